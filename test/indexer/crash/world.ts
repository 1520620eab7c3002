import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { random } from '../../src/vilt/variant.js';
import { brokenPictureOf, hashOf, pictureOf } from './picture.js';

/** What one file of a source holds. */
interface Entry {
  content: string;
  captions: string[];
  attributes: Record<string, string | number | boolean>;
  /** It had another content before. */
  changed?: true;
}

interface Source {
  /** What is indexed: a folder, or a file that lists pictures of one. */
  path: string;
  /** Absolute folder of the pictures. */
  folder: string;
  files: Map<string, Entry>;
}

/** How many pictures the sources have in the beginning, and about how many they keep. */
const SIZES = { photos: 90, album: 60, listed: 60 } as const;

/** Shares of a source's files that become something else from one state to the next. */
const CHANGES = { gone: 0.1, content: 0.06, captions: 0.08, copy: 0.05, broken: 0.03 } as const;

const WORDS = 'a red blue small old fox church boat bridge garden market under over beside winter morning'.split(' ');

/**
 * Folders of pictures with captions, and how they change: new, changed, moved, copied, broken and deleted files. The same seed
 * makes the same, whatever a collection does meanwhile.
 */
export class World {
  readonly sources: Source[];
  /** Bytes by content hash, of all that ever was there. */
  readonly contents = new Map<string, Buffer>();
  private readonly broken = new Set<string>();
  private readonly next: () => number;
  private pictures: number;
  private files = 0;
  private written = new Map<string, string>();

  constructor(folder: string, seed: number) {
    this.next = random(seed);
    this.pictures = 100_000 * seed;
    const [photos, album, listed] = Object.keys(SIZES).map((name) => path.join(folder, name));
    this.sources = [
      { path: photos, folder: photos, files: new Map() },
      { path: album, folder: album, files: new Map() },
      { path: path.join(listed, 'list.jsonl'), folder: listed, files: new Map() },
    ];
    for (const [at, size] of Object.values(SIZES).entries()) this.add(this.sources[at], size);
    this.write();
  }

  /** Goes on to the next state, on disk too. Not while anyone reads. */
  advance(): void {
    for (const [at, size] of Object.values(SIZES).entries()) {
      const source = this.sources[at];
      for (const [file, entry] of [...source.files]) this.change(source, file, entry);
      this.add(source, Math.max(0, size - source.files.size) + Math.floor(10 * this.next()));
    }
    this.write();
  }

  /**
   * Makes files whole that were broken later, on disk too: a collection keeps what it has of them, and one that never saw them whole
   * has nothing.
   */
  mend(): void {
    for (const { files } of this.sources) {
      for (const [file, entry] of files) {
        if (entry.changed && this.broken.has(entry.content)) files.set(file, { ...entry, content: this.newContent() });
      }
    }
    this.write();
  }

  private change(source: Source, file: string, entry: Entry): void {
    const draw = this.next();
    let from = 0;
    const happens = (share: number) => draw >= from && draw < (from += share);
    const set = (changes: Partial<Entry>) => source.files.set(file, { ...entry, ...changes });
    if (happens(CHANGES.gone)) source.files.delete(file);
    else if (happens(CHANGES.content)) set({ content: this.newContent(), changed: true });
    else if (happens(CHANGES.captions)) set({ captions: this.newCaptions() });
    else if (happens(CHANGES.copy)) set({ content: this.anyContent(), changed: true });
    else if (happens(CHANGES.broken)) set({ content: this.brokenContent(), changed: true });
  }

  private add(source: Source, count: number): void {
    for (let i = 0; i < count; i++) {
      const number = this.files++;
      const file = number % 3 === 0 ? `${number % 7}/${number}.png` : `${number}.png`;
      const draw = this.next();
      const content = draw < 0.1 ? this.anyContent() : draw < 0.15 ? this.brokenContent() : this.newContent();
      const attributes: Entry['attributes'] = draw < 0.5 ? { stars: number % 5, even: number % 2 === 0 } : {};
      source.files.set(file, { content, captions: this.newCaptions(), attributes });
    }
  }

  private newContent(): string {
    // Now and then one that looks like the one before it.
    const isShade = this.next() < 0.1;
    if (!isShade) this.pictures += 1;
    return this.keep(pictureOf(this.pictures, isShade ? 1 + Math.floor(9 * this.next()) : 0));
  }

  private brokenContent(): string {
    this.pictures += 1;
    const hash = this.keep(brokenPictureOf(this.pictures));
    this.broken.add(hash);
    return hash;
  }

  /** One that some source has had. */
  private anyContent(): string {
    if (this.contents.size === 0) return this.newContent();
    return [...this.contents.keys()][Math.floor(this.contents.size * this.next())];
  }

  private keep(bytes: Buffer): string {
    const hash = hashOf(bytes);
    this.contents.set(hash, bytes);
    return hash;
  }

  private newCaptions(): string[] {
    const caption = () => Array.from({ length: 5 }, () => WORDS[Math.floor(WORDS.length * this.next())]).join(' ');
    return [...new Set(Array.from({ length: Math.floor(4 * this.next()) }, caption))];
  }

  private write(): void {
    const wanted = new Map<string, string>();
    for (const { path: listing, folder, files } of this.sources) {
      const isList = listing !== folder;
      for (const [file, { content, captions, attributes }] of files) {
        wanted.set(path.join(folder, file), content);
        const stem = path.join(folder, file.replace(/\.png$/, ''));
        if (!isList && captions.length > 0) wanted.set(`${stem}.txt`, captions.join('\n'));
        if (!isList && Object.keys(attributes).length > 0) wanted.set(`${stem}.json`, JSON.stringify(attributes));
      }
      if (isList) wanted.set(listing, listOf(files));
    }
    for (const file of this.written.keys()) if (!wanted.has(file)) rmSync(file);
    for (const [file, text] of wanted) {
      if (this.written.get(file) === text) continue;
      mkdirSync(path.dirname(file), { recursive: true });
      // Under a new inode and a new time, as if saved by another program.
      writeFileSync(`${file}~`, this.contents.get(text) ?? text);
      renameSync(`${file}~`, file);
    }
    this.written = wanted;
  }
}

function listOf(files: ReadonlyMap<string, Entry>): string {
  const lines = [...files].map(([file, { captions, attributes }]) => {
    return JSON.stringify({ image: file, captions, ...attributes });
  });
  return lines.join('\n') + '\n';
}
