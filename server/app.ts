import { existsSync } from 'node:fs';
import path from 'node:path';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { PACKAGE_FOLDER } from '../src/paths.js';
import { onlyLoopbackHosts, onlyOwnPages, requireApiKey } from './access.js';
import { errorHandler, unknownRoute } from './errors.js';
import { collectionRoutes, healthRoutes } from './routes/collection.js';
import { imageRoutes } from './routes/images.js';
import { searchRoutes } from './routes/search.js';
import type { Service } from './service.js';

const PAGE_FOLDER = path.join(PACKAGE_FOLDER, 'dist', 'web');

export interface AppOptions {
  service: Service;
  /** None: everyone who reaches the server may use it. */
  apiKeys: string[];
  /** Answer only requests whose Host header names this machine. */
  onlyLoopback: boolean;
}

/** The routes and the page, as one request handler. */
export function createApp({ service, apiKeys, onlyLoopback }: AppOptions): Express {
  const app = express();
  app.set('query parser', 'simple');
  app.use(logRequests(service.logger));
  app.use(securityHeaders());
  if (onlyLoopback) app.use(onlyLoopbackHosts);
  app.use(healthRoutes(service));
  if (apiKeys.length > 0) app.use(requireApiKey(apiKeys));
  app.use('/v1', onlyOwnPages, searchRoutes(service), imageRoutes(service), collectionRoutes(service));
  app.use(page(service.logger));
  app.use(unknownRoute);
  app.use(errorHandler(service.logger));
  return app;
}

/** The page runs its own scripts and styles and nothing else, and nothing may frame it. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // blob: shows the picture that was dropped.
        imgSrc: ["'self'", 'blob:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
      },
    },
    // The server speaks plain HTTP; whoever puts TLS before it adds this there.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}

function page(logger: Logger): RequestHandler {
  if (!existsSync(PAGE_FOLDER)) logger.warn(`The page is not built (${PAGE_FOLDER}): run npm run build.`);
  return express.static(PAGE_FOLDER, {
    setHeaders(res, file) {
      // Vite names the files below assets/ by their content.
      const named = file.startsWith(path.join(PAGE_FOLDER, 'assets') + path.sep);
      res.setHeader('Cache-Control', named ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

/** One line a request, without its query: what people search for is theirs. */
function logRequests(logger: Logger): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const { method, path: route } = req;
    res.once('close', () => {
      const milliseconds = Math.round(performance.now() - start);
      logger.info(
        { method, path: route, status: res.statusCode, complete: res.writableFinished, milliseconds },
        'request',
      );
    });
    next();
  };
}
