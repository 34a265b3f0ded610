// The texts of the OpenAPI documents for clusters that run in Node: read from what scripts/generate.mjs has written.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type OpenApiPool, provideOpenApi } from '../cluster/apiserver/openapi/pool.ts';

const FILE = new URL('../cluster/api/generated/openapi.json', import.meta.url);

/** Gives the API servers of this process their OpenAPI texts; without the file they answer 503. */
export function loadOpenApi(): void {
  const path = fileURLToPath(FILE);
  if (existsSync(path)) provideOpenApi(JSON.parse(readFileSync(path, 'utf8')) as OpenApiPool);
}
