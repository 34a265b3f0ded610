// YAML and comparisons for reading, with keys set apart from values.

import { memo } from 'react';
import { diffLines, withContext } from './diff.ts';

const LINE = /^(\s*(?:- )*)([^\s:"'#][^:]*|"[^"]*")(:)(\s.*|$)/;

export const Yaml = memo(function Yaml({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={label}>
      {text.split('\n').map((line, i) => (
        <YamlLine key={i} line={line} />
      ))}
    </pre>
  );
});

function YamlLine({ line }: { readonly line: string }) {
  const m = LINE.exec(line);
  if (!m) return <span className="line">{`${line}\n`}</span>;
  return (
    <span className="line">
      {m[1]}
      <span className="key">{m[2]}</span>
      {m[3]}
      <span className="value">{m[4]}</span>
      {'\n'}
    </span>
  );
}

const CONTEXT = 3;
const SIGN_CLASS = { '+': 'added', '-': 'removed', ' ': '' } as const;

export const Diff = memo(function Diff({ before, after, label }: { readonly before: string; readonly after: string; readonly label: string }) {
  const lines = withContext(diffLines(before, after), CONTEXT);
  return (
    <pre className="code diff" tabIndex={0} role="region" aria-label={label}>
      {lines.map((line, i) =>
        line === null ? (
          <span key={i} className="line gap">
            {'⋯\n'}
          </span>
        ) : (
          <span key={i} className={`line ${SIGN_CLASS[line.sign]}`}>{`${line.sign} ${line.text}\n`}</span>
        ),
      )}
    </pre>
  );
});
