import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// `npx vite web` serves the page with live reload, its requests passed on to a running `patchword serve`.
const SERVER = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [preact()],
  // Nothing inline: the server's content security policy allows files of its own only.
  build: { outDir: '../dist/web', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/v1': SERVER, '/healthz': SERVER } },
});
