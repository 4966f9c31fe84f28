import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    modulePreload: false,
    license: { fileName: 'licenses.md' },
  },
  experimental: {
    // The page is `<base>/runs/<id>` and its files are beside `runs`, so that it works under any path of a proxy.
    renderBuiltUrl: (file, { hostType }) => (hostType === 'html' ? `../viewer/${file}` : { relative: true }),
  },
  worker: { format: 'es' },
});
