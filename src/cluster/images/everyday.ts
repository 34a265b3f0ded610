// The images that people name in manifests. They come apart from the components' own, because a page can load them
// while its cluster boots: nobody pulls one before somebody asked for it.

import { provideBehavior } from '../runtime/container-behavior.ts';
import type { ImageCatalogue } from './catalogue.ts';
import { declaredBehavior } from './declared-behavior.ts';
import { alpineImage, bashImage, busyboxImage, helloWorldImage } from './entries/busybox.ts';
import { curlImage } from './entries/curl.ts';
import { DEMO_IMAGES } from './entries/demos.ts';
import { httpdImage } from './entries/httpd.ts';
import { mongoImage } from './entries/mongo.ts';
import { mariadbImage, mysqlImage } from './entries/mysql.ts';
import { netshootImage } from './entries/netshoot.ts';
import { nginxImage } from './entries/nginx.ts';
import { postgresImage } from './entries/postgres.ts';
import { redisImage } from './entries/redis.ts';
import { stressImages } from './entries/stress.ts';
import type { ImageEntry } from './entry.ts';
import { otherImage, privateImage } from './plain/image.ts';

const EVERYDAY: readonly ImageEntry[] = [nginxImage, busyboxImage, alpineImage, bashImage, helloWorldImage, httpdImage, curlImage, redisImage, mysqlImage, mariadbImage, postgresImage, mongoImage, netshootImage, ...DEMO_IMAGES, ...stressImages];

/** Makes the registries know them, and what to answer for a name that no entry covers. */
export function stockEverydayImages(catalogue: ImageCatalogue): void {
  for (const entry of EVERYDAY) catalogue.register(entry);
  catalogue.fallback = (repository, tag) => otherImage(catalogue, repository, tag);
  catalogue.behindLogin = privateImage;
  provideBehavior(declaredBehavior);
}
