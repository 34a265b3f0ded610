// kubectl completion: a short script that asks `kubectl __complete` for what may come next.

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';

const BASH = `# bash completion for kubectl
__start_kubectl() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}") line
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in :*) ;; *) COMPREPLY+=("\${line%%$'\\t'*}") ;; esac
  done < <(kubectl __complete "\${words[@]}" 2>/dev/null)
}
complete -o default -F __start_kubectl kubectl
`;

const ZSH = `#compdef kubectl
_kubectl() {
  local -a found
  found=("\${(@f)$(kubectl __complete "\${words[@]:1}" 2>/dev/null | grep -v '^:')}")
  compadd -- "\${found[@]%%$'\\t'*}"
}
compdef _kubectl kubectl
`;

const FISH = `complete -c kubectl -f -a '(kubectl __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null | string match -v ":*")'
`;

const POWERSHELL = `Register-ArgumentCompleter -CommandName kubectl -ScriptBlock {
  param($word, $ast) kubectl __complete $ast.ToString().Split(' ')[1..99] | Where-Object { $_ -notlike ':*' } | ForEach-Object { $_.Split("\`t")[0] }
}
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL };

export const COMPLETION: Command = {
  name: 'completion',
  group: 'Settings Commands:',
  use: 'completion SHELL',
  short: 'Output shell completion code for the specified shell (bash, zsh, fish, or powershell)',
  flags: [],
  *complete(_context, flags, toComplete): Op<readonly string[]> {
    return flags.args.length > 0 ? [] : Object.keys(SCRIPTS).filter((name) => name.startsWith(toComplete));
  },
  *run(context: Context, flags: Flags): Op<void> {
    const [shell, ...more] = flags.args;
    if (shell === undefined) throw context.usageError('Shell not specified.');
    if (more.length > 0) throw context.usageError('Too many arguments. Expected only the shell type.');
    const script = SCRIPTS[shell];
    if (script === undefined) throw context.usageError(`Unsupported shell type "${shell}".`);
    context.write(script);
  },
};
