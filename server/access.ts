import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { PatchwordError } from '../src/errors.js';
import { sendError } from './errors.js';

const SHORTEST_KEY = 16;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a host name or address can only mean this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  const family = isIP(name);
  if (family === 0) return name === 'localhost' || name.endsWith('.localhost');
  return LOOPBACK.check(name, family === 6 ? 'ipv6' : 'ipv4');
}

/** API keys from a comma-separated list, as PATCHWORD_API_KEYS holds them. */
export function parseApiKeys(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
}

/**
 * Others can reach any address but loopback, so there the server asks for a key.
 *
 * @throws PatchwordError ADDRESS_REFUSED, INVALID_ARGUMENT for a key that is too short
 */
export function checkAddress(host: string, apiKeys: string[]): void {
  if (apiKeys.some((key) => key.length < SHORTEST_KEY)) {
    throw new PatchwordError('INVALID_ARGUMENT', `An API key needs at least ${SHORTEST_KEY} characters.`, {
      hint: 'Make one with: openssl rand -hex 24',
    });
  }
  if (apiKeys.length > 0 || isLoopback(host)) return;
  throw new PatchwordError('ADDRESS_REFUSED', `Others can reach ${host}, and no API key protects it.`, {
    hint: 'Give keys in PATCHWORD_API_KEYS (comma-separated), or listen on 127.0.0.1.',
  });
}

/**
 * Against DNS rebinding: a page elsewhere may point its own name at 127.0.0.1 and then read our answers as its own.
 * Such a request names that other host.
 */
export const onlyLoopbackHosts: RequestHandler = (req, res, next) => {
  const name = /^(\[[^\]]*\]|[^:]*)(:\d+)?$/.exec(req.headers.host ?? '')?.[1];
  if (name !== undefined && isLoopback(name)) return next();
  sendError(
    res,
    new PatchwordError('ADDRESS_REFUSED', 'This server answers only under a loopback name, such as localhost.', {
      hint: 'Open it as http://localhost, or give --host and PATCHWORD_API_KEYS to serve others.',
    }),
  );
};

/**
 * A page elsewhere can have a browser ask here, with its owner's key even. It cannot read the answer, but work would be done for it.
 * Browsers say so, on loopback and over TLS; opening a page here, as by a link, is what a visitor sees.
 */
export const onlyOwnPages: RequestHandler = (req, res, next) => {
  const isOpened = req.method === 'GET' && req.get('sec-fetch-dest') === 'document';
  if (req.get('sec-fetch-site') !== 'cross-site' || isOpened) return next();
  sendError(
    res,
    new PatchwordError('ADDRESS_REFUSED', 'This server answers no requests that a page of another site makes.'),
  );
};

/** Asks for one of the keys: `Authorization: Bearer KEY`, or Basic with the key as password, which browsers prompt for. */
export function requireApiKey(apiKeys: string[]): RequestHandler {
  const known = apiKeys.map(digest);
  return (req, res, next) => {
    const given = digest(givenKey(req.headers.authorization ?? ''));
    // Every key is compared, in constant time, whichever matches.
    if (known.filter((key) => timingSafeEqual(key, given)).length > 0) return next();
    res.set('WWW-Authenticate', ['Basic realm="Patchword", charset="UTF-8"', 'Bearer realm="Patchword"']);
    sendError(
      res,
      new PatchwordError('UNAUTHORIZED', 'This server asks for an API key.', {
        hint: 'Send it as "Authorization: Bearer KEY"; in a browser, as the password.',
      }),
    );
  };
}

function givenKey(authorization: string): string {
  const [scheme = '', value = ''] = authorization.split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return '';
  return Buffer.from(value, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
