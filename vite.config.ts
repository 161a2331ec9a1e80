/** Builds the console, `src/console`, into `dist/console`, where the gateway serves it from. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { writeConsoleDocuments } from './scripts/console-documents.ts';

export default defineConfig({
  root: 'src/console',
  // Beneath a path of its own, so that it stands in no door's way.
  base: '/console/',
  plugins: [react(), writeConsoleDocuments()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // The policy of the page allows no data: URLs in place of files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The first that know light-dark() and text-wrap.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
  },
  // `npx vite` serves the page from its sources, in front of a gateway that runs beside it.
  server: { proxy: { '/graphql': 'http://127.0.0.1:4000', '/health': 'http://127.0.0.1:4000' } },
});
