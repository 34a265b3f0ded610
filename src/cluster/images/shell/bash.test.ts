// Transcripts of what bash has beyond POSIX, of the smaller commands, and of the languages' one-liners.

import { describe, expect, it } from 'vitest';
import { Machine } from '../../machine/machine.ts';
import { SECOND } from '../../sim/time.ts';
import { Simulation } from '../../sim/simulation.ts';
import { alpineImage } from '../entries/busybox.ts';
import { systemImage } from '../entries/systems.ts';
import { describeContainer } from '../../runtime/container-hints.ts';
import { piDigits } from './pi.ts';

function run(argv: readonly string[], image: { readonly program: Parameters<Machine['spawn']>[0]; readonly files?: unknown }, env: Readonly<Record<string, string>> = {}): { out: string[]; code: number | undefined } {
  const sim = new Simulation();
  const machine = new Machine(sim, { name: 'worker-1' });
  machine.powerOn();
  for (const [path, text] of Object.entries(image.files as Record<string, string>)) machine.files.write(path, text);
  const lines: string[] = [];
  const process = machine.spawn(image.program, {
    argv, env: { HOSTNAME: 'mysql-2', HOME: '/root', PATH: '/bin', ...env }, isolatePids: true,
    logs: { write: (stream, line) => void lines.push(stream === 'stderr' ? `! ${line}` : line) },
  });
  describeContainer(process, {});
  sim.runUntil(60 * SECOND);
  return { out: lines, code: process.status?.code };
}

const debian = systemImage('debian', '13');

describe('bash', () => {
  it.each<[string, string, readonly string[]]>([
    ['arrays', 'a=(foo bar "b z"); a+=(q); a[1]=X; i=2; echo ${a[i]} ${a[-1]} ${#a[@]} $a; for x in "${a[@]}"; do echo "<$x>"; done', ['b z q 4 foo', '<foo>', '<X>', '<b z>', '<q>']],
    ['[[ ]] with a regular expression', '[[ `echo $HOSTNAME` =~ -([0-9]+)$ ]] || exit 1; echo $((100 + ${BASH_REMATCH[1]}))', ['102']],
    ['[[ ]] with patterns and words', 'f=a.txt; e=; [[ $f == *.txt && -z $e ]] && echo text; [[ "$f" != *.md || 1 -gt 2 ]] && echo ok; [[ ! -f /nope ]] && echo none', ['text', 'ok', 'none']],
    ['replacement, parts, case', 's=hello-world-x; echo ${s/-/_} ${s//-/_} ${s:1:4} ${s: -1} ${s^^} ${s/%x/y} ${s/#he/HE}', ['hello_world-x hello_world_x ello x HELLO-WORLD-X hello-world-y HEllo-world-x']],
    ['counting loops', 'for ((i = 0; i < 3; i++)); do echo -n "$i "; done; for i in {1..3} {a,b}; do echo -n "$i "; done; ((i = 5, i > 4)) 2>/dev/null; echo $?', ['0 1 2 1 2 3 a b 0']],
    ['here-strings and $(<file)', 'echo one > /tmp/f; read x <<< "a b"; echo "$x $(</tmp/f)" &> /tmp/g; cat /tmp/g', ['a b one']],
    ['functions', 'function greet { local n=${1:-you}; echo "hi $n"; }; greet; greet me', ['hi you', 'hi me']],
    ['getopts', 'while getopts ":a:bh" o -a one -b -x; do case $o in a) echo "a=$OPTARG";; \\?) echo "bad $OPTARG";; *) echo $o;; esac; done', ['a=one', 'b', 'bad x']],
    ['quotes of C', `echo $'a\\tb'`, ['a\tb']],
    ['words that are missing', 'nmap -sT', ['! bash: line 1: nmap: command not found']],
    ['a package brings its command', 'curl --version; apt-get update -qq && apt-get install -y curl; curl --version | cut -c 1-11', ['! bash: line 1: curl: command not found', 'curl 8.16.0']],
  ])('%s', (_, script, expected) => expect(run(['bash', '-c', script], debian).out).toEqual(expected));
  it('dash does not know [[', () => expect(run(['sh', '-c', '[[ a == a ]] && echo yes'], debian).out).toEqual(['! sh: 1: [[: not found']));
});

describe('commands', () => {
  it.each<[string, string, readonly string[]]>([
    ['expr', 'expr 2 + 3 \\* 4; expr "web-12" : "web-\\([0-9]*\\)"; expr 3 \\> 4', ['14', '12', '0']],
    ['tac, nl, paste, fold', 'seq 3 | tac | paste -sd+; seq 2 | nl | tr -s " \\t" " "; echo abcdef | fold -w4', ['3+2+1', ' 1 1', ' 2 2', 'abcd', 'ef']],
    ['su and its kin', 'su -c "echo as $USER nobody" nobody; gosu redis echo gosu; su-exec 100 echo exec', ['as nobody', 'gosu', 'exec']],
    ['envsubst, realpath', 'A=1 envsubst <<\'EOF\'\n$A ${B}.\nEOF\ncd /tmp; realpath ../etc', ['1 .', '/etc']],
  ])('%s', (_, script, expected) => expect(run(['sh', '-c', script], { program: alpineImage.program, files: alpineImage.files }).out).toEqual(expected));
});

describe('languages', () => {
  const python = systemImage('python', '3.13');
  it.each<[string, string, readonly string[], number]>([
    ['exit codes by index', 'import os, sys\nindex = int(os.environ.get("JOB_COMPLETION_INDEX"))\nif index == 0:\n  sys.exit(1)\nelif index == 1:\n  sys.exit(42)\nelse:\n  sys.exit(0)\n', [], 42],
    ['loops and texts', 'for i in range(2):\n    print(f"n={i}", "x" * i)\nprint("done %s" % "now")', ['n=0 ', 'n=1 x', 'done now'], 0],
    ['an error', 'print(1)\nprint(1/0)', ['1', '! Traceback (most recent call last):', '!   File "<string>", line 2, in <module>', '! ZeroDivisionError: division by zero'], 1],
  ])('python: %s', (_, source, out, code) => expect(run(['python3', '-c', source], python, { JOB_COMPLETION_INDEX: '1' })).toEqual({ out, code }));
  it('a python program that is not there', () => {
    expect(run(['python', 'app.py'], python)).toEqual({ out: ["! python: can't open file '/app.py': [Errno 2] No such file or directory"], code: 2 });
  });
  it('pi', () => expect(piDigits(50)).toBe('3.1415926535897932384626433832795028841971693993751'));
});
