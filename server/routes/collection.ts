import path from 'node:path';
import { Router } from 'express';
import { methodNotAllowed } from '../errors.js';
import { withEngine, type Service } from '../service.js';

/** GET /v1/collection: what is searched here, with which model, within which limits. */
export function collectionRoutes(service: Service): Router {
  const router = Router();
  router
    .route('/collection')
    .get(async (_req, res) => {
      const { info, inference } = await withEngine(service, async (engine) => ({
        info: await engine.info(),
        inference: engine.inference.info,
      }));
      const { name, images, captions, model } = info;
      const { calibration, parameters, heads, device, precision } = inference;
      const { k, candidates, rerankPairs, rerankMilliseconds, uploadBytes } = service.limits;
      res.set('Cache-Control', 'no-store').json({
        name,
        images,
        captions,
        model: {
          name: nameOf(model.path),
          parameters,
          heads,
          calibrated: calibration !== null,
          device,
          precision,
        },
        limits: { k, candidates, rerankPairs, rerankMilliseconds, uploadBytes },
      });
    })
    .all(methodNotAllowed('GET'));
  return router;
}

/** A model's folder names it, unless a weight file has a name of its own. */
function nameOf(model: string): string {
  const file = path.basename(model);
  return /^(pytorch_)?model\./.test(file) ? path.basename(path.dirname(model)) : file;
}

/** GET /healthz: 200 once searches are answered, 503 until then. */
export function healthRoutes(service: Service): Router {
  const router = Router();
  router
    .route('/healthz')
    .get((_req, res) => {
      res.set('Cache-Control', 'no-store');
      if (service.closing.aborted) res.status(503).json({ status: 'closing' });
      else if (service.engine) res.json({ status: 'ok' });
      else res.status(503).json({ status: 'preparing', ...service.preparing });
    })
    .all(methodNotAllowed('GET'));
  return router;
}
