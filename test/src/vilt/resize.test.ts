import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { modelSize, resizeBicubic } from '../../../src/vilt/resize.js';

describe('modelSize', () => {
  const vilt = { shortestEdge: 384, sizeDivisor: 32 };

  it('gives the sizes of the reference', () => {
    const sizes: [string, string][] = [
      ['640x480', '512x384'],
      ['480x640', '384x512'],
      ['500x375', '512x384'],
      ['500x333', '576x384'],
      ['1920x1080', '608x352'],
      ['90x60', '576x384'],
      ['384x384', '384x384'],
      ['49x49', '384x384'],
      ['1500x300', '608x128'],
    ];
    for (const [from, to] of sizes) {
      const [width, height] = from.split('x').map(Number);
      const size = modelSize({ width, height }, vilt);
      assert.equal(`${size.width}x${size.height}`, to, from);
    }
  });

  it('keeps one patch of an image so long that the reference would leave none', () => {
    assert.deepEqual(modelSize({ width: 1, height: 500 }, vilt), { width: 32, height: 608 });
    assert.deepEqual(modelSize({ width: 65_000, height: 1 }, vilt), { width: 608, height: 32 });
  });

  it('agrees with get_resize_output_image_size on half a million sizes', () => {
    const hash = createHash('sha256');
    const models = [[384, 32], [112, 16], [96, 16], [100, 16], [37, 8]]; // prettier-ignore
    for (const [shortestEdge, sizeDivisor] of models) {
      for (let width = 1; width < 1500; width += 7) {
        for (let height = 1; height < 1500; height += 3) {
          const size = modelSize({ width, height }, { shortestEdge, sizeDivisor });
          hash.update(`${size.width}x${size.height};`);
        }
      }
    }
    assert.equal(hash.digest('hex'), 'aa12db7d9d47ad2492ee96e2f573e953f5c42d320aa3770d26b6f733a973b66e');
  });
});

describe('resizeBicubic', () => {
  // SHA-256 of what Pillow 12.3 gives, as (3, height, width), for the noise below.
  const cases: [number, number, number, number, string][] = [
    [1, 1, 16, 16, '8ef156175160f20d9866a42e2cb99e54c1d31098fcd062ae60d36071006923fa'],
    [5, 3, 32, 16, 'bcd90cc55851bd61b66d9683dbd608bde458fb32073febb9fe8079c0a3cfb106'],
    [320, 320, 112, 112, '53f0c2b25895976b76e6392a0e5c098ffeb8ec1460360b9f107686b64dc9dbcb'],
    [7, 400, 16, 176, '329e2ddc6c1b221fc25bca3bbd907ff4619c79ce65f2159431d276416a44f97a'],
    [64, 48, 64, 32, 'b971e8afb5bed85875224e1ceb2beed90f828c63ad6dae197cb984198bf22114'],
    [64, 48, 32, 48, 'c18d8e9a52f9a330ef5a37ca804b1b21d22319b0368951f4a732d256ae745104'],
    [64, 48, 64, 48, 'bbfeea89718b34f02ff360fb2e671404bb7efa01cf404d63df122372426802d6'],
    [90, 60, 144, 96, 'f6a573994dff9ca381ec99207f7e2428bd4c0577b058b21a5bb8343f02e4f81c'],
    [333, 250, 64, 48, '6c69da8d43ef0d7bbaecb87eaf9ec912c168f9d84fdb0eee133206bbc1a9b8e6'],
    [2000, 3, 176, 16, '680be0cb8a57f0fc7853a261e165a6f0fe74d39e90fb04f9f96c5af1a9ac7fc8'],
  ];

  for (const [width, height, toWidth, toHeight, expected] of cases) {
    it(`gives Pillow's pixels, ${width}x${height} to ${toWidth}x${toHeight}`, () => {
      const to = { width: toWidth, height: toHeight };
      const resized = resizeBicubic({ width, height, pixels: noise(width * height * 3) }, to);
      assert.equal(resized.length, 3 * toWidth * toHeight);
      assert.equal(createHash('sha256').update(resized).digest('hex'), expected);
    });
  }

  it('leaves a flat colour flat, by weights that sum to one', () => {
    const pixels = Uint8Array.from({ length: 91 * 57 * 3 }, (_, i) => [255, 0, 131][i % 3]);
    const resized = resizeBicubic({ width: 91, height: 57, pixels }, { width: 32, height: 64 });
    for (const [plane, level] of [255, 0, 131].entries()) {
      assert.ok(resized.subarray(plane * 2048, (plane + 1) * 2048).every((value) => value === level));
    }
  });
});

/** Hard noise from a linear congruential generator: overshoot, clipping and every rounding occur. */
function noise(length: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
