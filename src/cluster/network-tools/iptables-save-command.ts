// The command iptables-save of a machine.

import type { Os, Program } from '../machine/process.ts';
import { BUILT_IN, type TableName } from '../network/netfilter.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { iptablesSave } from './iptables-save.ts';

/** `iptables-save [-t TABLE]`. */
export const iptablesSaveProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const at = args.findIndex((arg) => arg === '-t' || arg === '--table');
  const table = at < 0 ? undefined : args[at + 1];
  if (table !== undefined && !(table in BUILT_IN)) {
    os.logError(`iptables-save v1.8.9 (nf_tables): table '${table}' does not exist`);
    return 1;
  }
  const text = iptablesSave(netnsOf(os), table as TableName | undefined);
  if (text !== '') os.write(text);
  return 0;
};
