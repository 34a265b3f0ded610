// The shell of the page's terminal: bash on the operator's machine, with kubectl among its commands; and root's shell on the
// other machines, with what each of them has.

import { BASIC_COMMANDS, runCommandLine, toolboxOf } from '../cluster/images/toolbox.ts';
import { BIND_APPLETS } from '../cluster/images/shell/applets/bind-tools.ts';
import { CURL_APPLETS, NET_APPLETS } from '../cluster/images/shell/applets/net.ts';
import { openssl } from '../cluster/images/shell/applets/openssl.ts';
import { SYSTEMD_APPLETS } from '../cluster/images/shell/applets/systemd.ts';
import { vi } from '../cluster/images/shell/applets/vi.ts';
import { programApplet } from '../cluster/images/shell/program-applet.ts';
import { BASH, type Toolbox } from '../cluster/images/shell/shell.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import type { Os, Program } from '../cluster/machine/process.ts';
import { provideLoginShell } from '../cluster/network/sshd.ts';
import { provideCommands } from '../kubectl/edit/editor.ts';
import { kubectlProgram } from '../kubectl/kubectl.ts';
import { programsOf } from './machine-commands.ts';
import { PROMPT, PROMPT_END } from './prompt.ts';

const COMMANDS = { ...BASIC_COMMANDS, ...NET_APPLETS, ...BIND_APPLETS, ...CURL_APPLETS, ...SYSTEMD_APPLETS, openssl, vi, vim: vi, kubectl: programApplet(kubectlProgram) };

const toolboxes = new Map<string, Toolbox>();

/** Machines with the same programs share one. */
function toolboxFor(machine: Machine): Toolbox {
  const { key, programs } = programsOf(machine);
  let toolbox = toolboxes.get(key);
  if (toolbox === undefined) {
    const applets = Object.fromEntries(Object.entries(programs()).map(([name, program]) => [name, programApplet(program)]));
    toolboxes.set(key, (toolbox = toolboxOf(BASH, { ...COMMANDS, ...applets }, ['sh', 'bash'])));
  }
  return toolbox;
}

/** An interactive shell when `os.tty` is there, else whatever its arguments say. */
export const operatorShell: Program = (os: Os) => runCommandLine(os, toolboxFor(os.machine));

// The editor that kubectl edit opens is a command of this shell; ssh gives it on other machines.
provideCommands(operatorShell);
provideLoginShell({ program: operatorShell, prompt: `${PROMPT}${PROMPT_END}` });
