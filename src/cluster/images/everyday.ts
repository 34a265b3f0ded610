// The images that people name in manifests. They come apart from the components' own, because a page can load them
// while its cluster boots: nobody pulls one before somebody asked for it.

import type { ImageCatalogue } from './catalogue.ts';
import { alpineImage, busyboxImage, helloWorldImage } from './entries/busybox.ts';
import { curlImage } from './entries/curl.ts';
import { httpdImage } from './entries/httpd.ts';
import { nginxImage } from './entries/nginx.ts';
import { redisImage } from './entries/redis.ts';
import { genericImage } from './entries/servers.ts';
import type { ImageEntry } from './entry.ts';

const EVERYDAY: readonly ImageEntry[] = [nginxImage, busyboxImage, alpineImage, helloWorldImage, httpdImage, curlImage, redisImage];

/** Makes the registries know them, and what to answer for a name that no entry covers. */
export function stockEverydayImages(catalogue: ImageCatalogue): void {
  for (const entry of EVERYDAY) catalogue.register(entry);
  catalogue.fallback = genericImage;
}
