import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The portal as static files in dist/, which the server gives out under /portal/. */
// biome-ignore lint/style/noDefaultExport: Vite reads it so.
export default defineConfig({
  base: '/portal/',
  plugins: [react(), tailwind()],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8480', '/portal/api': 'http://127.0.0.1:8480' } },
});
