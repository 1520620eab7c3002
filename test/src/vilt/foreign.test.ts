import assert from 'node:assert/strict';
import { readSource } from '../../../src/vilt/source.js';
import { recognizeForeign } from '../../../src/vilt/foreign.js';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const refusal = async (text: string) => {
  const bytes = latin1(text);
  return readSource(bytes, { bytes: 1e6 }).then(
    () => assert.fail('it was read'),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'IMAGE_UNREADABLE');
      return error.message;
    },
  );
};

describe('recognizeForeign', () => {
  it('says nothing of what it does not know', () => {
    for (const text of [
      '',
      'B',
      'BM',
      'words',
      '<',
      '<3 foxes',
      'P1',
      '\0\0\0\0',
      '\x89PNG\r\n',
      'if (a <svg) return',
    ]) {
      assert.equal(recognizeForeign(latin1(text)), null, JSON.stringify(text));
    }
  });

  it('says why HEIC is not read, and how to convert it', async () => {
    for (const brand of ['heic', 'heix', 'mif1', 'hevc']) {
      const message = await refusal(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1heic`);
      assert.match(message, /is HEIC; .* HEIC is not read: its codec, HEVC, is patent-encumbered.* convert with /);
    }
  });

  it('says why SVG is not read, whatever comes before its first element', async () => {
    for (const text of [
      '<svg width="9"/>',
      '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="…">',
      '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "…" [<!ENTITY a "b">]>\n<svg>',
      '<s:svg xmlns:s="http://www.w3.org/2000/svg"><script>alert(1)</script></s:svg>',
    ]) {
      assert.match(await refusal(text), /is SVG; .* SVG is a program for drawing, not a picture/);
    }
  });

  it('tells a page from a picture, also one that draws in it', async () => {
    for (const text of [
      '<!DOCTYPE html><html><body><svg></svg>',
      '\r\n <HTML><head>',
      '<!-- 404 --><head><title>Not found',
      '<script>location="/login"</script>',
    ]) {
      assert.match(await refusal(text), /is an HTML page, as servers send in place of a picture; expected one of JPEG/);
    }
  });

  it('names the other formats that people try', () => {
    const names: Record<string, string> = {
      'BM\x36\x04\0\0\0\0\0\0\x36': 'a BMP bitmap',
      '8BPS\0\x01': 'a Photoshop document',
      '%PDF-1.7': 'a PDF document',
      '\xff\x0a\xfa\x7f': 'JPEG XL',
      '\0\0\0\x0cJXL \r\n\x87\n': 'JPEG XL',
      '\0\0\0\x0cjP  \r\n\x87\n': 'JPEG 2000',
      '\0\0\x01\0\x01\0': 'an icon',
      '\0\0\0\x1cftypisom': 'a video',
      'P6 640 480 255 ': 'a PNM bitmap',
      'PK\x03\x04': 'a ZIP archive',
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': 'an XML document',
      'version https://git-lfs.github.com/spec/v1\n': 'a pointer of Git LFS',
    };
    for (const [text, what] of Object.entries(names)) assert.equal(recognizeForeign(latin1(text))?.what, what);
  });
});
