import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { Router, type RequestHandler, type Response } from 'express';

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Farmhand</title>
<h1>The page has not been built</h1>
<p>The farm works; only its page is missing. Build it with <code>npm run build:ui</code> and load this address again.</p>
</html>
`;

/**
 * The built page. Files under `assets/` have their content's hash in their name and never change; everything else is
 * asked for anew each time. Addresses inside the page (`/jobs/x`) get `index.html`.
 * @param folder of `index.html`; may be built while the gateway runs.
 */
export function staticPage(folder: string): Router {
  const router = Router();
  router.use(express.static(folder, { index: false, redirect: false, setHeaders: cacheByName(folder) }));
  router.use(singlePage(folder));
  return router;
}

function cacheByName(folder: string): (response: Response, path: string) => void {
  const hashed = join(folder, 'assets') + '/';
  return (response, path) => {
    response.set(
      'Cache-Control',
      path.startsWith(hashed) ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
  };
}

function singlePage(folder: string): RequestHandler {
  return (request, response, next) => {
    const wantsPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      // A missing script must not be answered with a page.
      request.headers.accept?.includes('text/html') === true &&
      !request.path.startsWith('/assets/');
    if (!wantsPage) {
      next();
      return;
    }
    response.set('Cache-Control', 'no-cache');
    if (existsSync(join(folder, 'index.html'))) response.sendFile('index.html', { root: folder });
    else response.status(503).type('html').send(NOT_BUILT);
  };
}
