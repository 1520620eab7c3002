import type { Store } from '../../../src/store/store.js';
import { testAgreement } from './contract/agreement.js';
import { testContents } from './contract/contents.js';
import { MODEL } from './contract/context.js';
import { testDuplicates } from './contract/duplicates.js';
import { testFilters } from './contract/filters.js';
import { testInput } from './contract/input.js';
import { testInputs } from './contract/inputs.js';
import { testLimits } from './contract/limits.js';
import { testNearest } from './contract/nearest.js';
import { testOpening } from './contract/opening.js';
import { testPaging } from './contract/paging.js';
import { testQuarantine } from './contract/quarantine.js';
import { testReindexing } from './contract/reindexing.js';
import { testRemoval } from './contract/removal.js';
import { testSources } from './contract/sources.js';
import { testUpsert } from './contract/upsert.js';
import { testWords } from './contract/words.js';

/**
 * What every Store does, whatever keeps it.
 *
 * @param openNamed opens the store of a name, made where there is none and bound to `model`
 */
export function testStoreContract(openNamed: (name: string, model: typeof MODEL) => Promise<Store>): void {
  let stores = 0;
  const opened: Store[] = [];
  const open = async (name: string) => {
    const store = await openNamed(name, MODEL);
    opened.push(store);
    return store;
  };
  const newName = () => `contract-${stores++}`;
  const context = { open, newName, openNew: () => open(newName()) };

  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

  testInput(context);
  testLimits(context);
  testOpening(context);
  testUpsert(context);
  testContents(context);
  testRemoval(context);
  testPaging(context);
  testNearest(context);
  testFilters(context);
  testWords(context);
  testInputs(context);
  testSources(context);
  testQuarantine(context);
  testDuplicates(context);
  testReindexing(context);
  testAgreement(context);
}
