// What the host gives CoreDNS after the boot.

import { sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { CoreDnsExtras } from './extras.ts';
import { metricsText } from './metrics-text.ts';
import { hosts } from './plugins/hosts.ts';
import { log } from './plugins/log.ts';
import { rewrite } from './plugins/rewrite.ts';
import { any, minimal, whoami } from './plugins/small.ts';
import { template } from './plugins/template.ts';

export const coreDnsExtras: CoreDnsExtras = {
  plugins: { any, hosts, log, minimal, rewrite, template, whoami },
  metricsText,
  sha512: (text) => bytesToHex(sha512(utf8ToBytes(text))),
};
