// The package bind-tools (dnsutils): what images for finding faults, and most machines, have.

import type { Applet } from '../applet.ts';
import { dig } from './dig.ts';
import { bindNslookup, host } from './nslookup.ts';

export const BIND_APPLETS: Readonly<Record<string, Applet>> = { dig, host, nslookup: bindNslookup };
