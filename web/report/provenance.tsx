import type { ComponentChildren } from 'preact';
import type { Report } from '../../src/evaluation/report.js';
import { duration, moment, rank, whole } from './format.js';

type Result = Report['result'];

/** All that it takes to tell what the figures mean, and to measure them again. */
export function Provenance({ result }: { result: Result }) {
  const { dataset, model, prefilter, machine, versions, cost, sample } = result;
  return (
    <div class="provenance">
      <Group title="Dataset">
        <Fact name="file">{dataset.path}</Fact>
        <Fact name="format">{dataset.format}</Fact>
        <Fact name="split">{dataset.split ?? 'whole'}</Fact>
        <Fact name="protocol">{result.protocol}</Fact>
        <Fact name="images">{whole(dataset.images)}</Fact>
        <Fact name="captions">
          {whole(dataset.captions)}
          {dataset.captionsAnImage !== null && `, at most ${dataset.captionsAnImage} an image`}
        </Fact>
        <Fact name="left out">
          {whole(dataset.duplicateCaptions)} captions that their image had already; {whole(dataset.missing.length)}{' '}
          missing images
        </Fact>
        {dataset.folds > 1 && <Fact name="folds">{dataset.folds}, their mean</Fact>}
        {sample && (
          <Fact name="sample">
            {whole(sample.queries)} queries, drawn with seed {sample.seed}
          </Fact>
        )}
        <Fact name="SHA-256">{dataset.hash}</Fact>
      </Group>
      <Group title="Model">
        <Fact name="path">{model.path}</Fact>
        <Fact name="parameters">{whole(model.parameters)}</Fact>
        <Fact name="match head">{model.head ?? 'none'}</Fact>
        <Fact name="precision">{model.precision}</Fact>
        <Fact name="device">{model.device}</Fact>
        <Fact name="calibrated">{model.calibration === null ? 'no' : 'yes'}</Fact>
        <Fact name="SHA-256">{model.hash}</Fact>
        <Fact name="prefilter">
          {prefilter === null ? 'none' : `${prefilter.source}, ${prefilter.dimension} dimensions`}
        </Fact>
        {prefilter && <Fact name="its SHA-256">{prefilter.hash}</Fact>}
      </Group>
      <Group title="Run">
        <Fact name="finished">{moment(result.date)}</Fact>
        <Fact name="pairs scored">
          {whole(cost.pairs)}
          {cost.reused > 0 && `, ${whole(cost.reused)} of them by an earlier run`}
        </Fact>
        <Fact name="time">
          {duration(cost.seconds)}
          {cost.pairsPerSecond !== null && `, ${rank(cost.pairsPerSecond)} pairs/s`}
        </Fact>
        <Fact name="processor">
          {machine.cpu}, {machine.cores} cores
        </Fact>
        <Fact name="memory">{(machine.memory / 2 ** 30).toFixed(1)} GiB</Fact>
        <Fact name="system">{machine.platform}</Fact>
        <Fact name="versions">
          Patchword {versions.patchword}, Node {versions.node}, ONNX Runtime {versions.onnxruntime}
        </Fact>
      </Group>
    </div>
  );
}

/** Pictures that were left out on request. */
export function Missing({ missing }: { missing: Result['dataset']['missing'] }) {
  return (
    <details>
      <summary>
        {missing.length === 1 ? '1 picture was' : `${whole(missing.length)} pictures were`} missing, and the figures are
        without
      </summary>
      <ul class="missing">
        {missing.map(({ file, reason }, at) => (
          <li key={at}>
            {file}: {reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Group({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>{children}</dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
