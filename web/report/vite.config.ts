import preact from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';

// The report is one file: what Vite bundles goes into the page, and the page runs and loads nothing else.
export default defineConfig({
  plugins: [preact(), inline()],
  build: { outDir: '../../dist/report', emptyOutDir: true, cssCodeSplit: false, modulePreload: { polyfill: false } },
});

function inline(): Plugin {
  return {
    name: 'inline',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      let [script, style] = ['', ''];
      for (const [name, part] of Object.entries(bundle)) {
        if (part.type === 'chunk') script += part.code;
        else if (name.endsWith('.css')) style += String(part.source);
        else continue;
        delete bundle[name];
      }
      // What ends or changes a script's text for the parser of the page is the same JavaScript with an escape.
      script = script.trim().replace(/<(?=\/script|script|!--)/gi, '\\x3C');
      style = style.trim();
      const policy = `default-src 'none'; img-src data:; script-src ${await hash(script)}; style-src ${await hash(style)}`;
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('no page');
      const tags = `<meta http-equiv="Content-Security-Policy" content="${policy}" />\n    <style>${style}</style>`;
      page.source = String(page.source)
        .replace(/\n *<(script type="module"[^>]*><\/script|link rel="stylesheet"[^>]*)>/g, '')
        .replace('</head>', () => `  ${tags}\n  </head>`)
        .replace('</body>', () => `  <script type="module">${script}</script>\n  </body>`);
    },
  };
}

async function hash(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return `'sha256-${btoa(String.fromCharCode(...digest))}'`;
}
