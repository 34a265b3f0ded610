// Sessions with the small database, in both dialects, and what ends up in its files.

import { describe, expect, it } from 'vitest';
import { SqlEngine, SqlError } from './engine.ts';
import { splitSql } from './syntax.ts';

function session(dialect: 'mysql' | 'postgres', script: string): { readonly said: readonly string[]; readonly changes: number } {
  let changes = 0;
  const engine = new SqlEngine({ dialect, version: '8.4.7', now: () => '2026-05-04 01:00:00', variables: { hostname: 'db-0' }, changed: () => void changes++ });
  engine.databases.set('shop', new Map());
  let database = 'shop';
  const said: string[] = [];
  for (const sql of splitSql(script)) {
    try {
      const result = engine.run(sql, { user: 'root', database });
      database = result.use ?? database;
      said.push(result.columns === null ? result.tag : `${result.columns.join(',')}: ${result.rows.map((row) => row.map(String).join(',')).join(' ')}`);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      said.push(`! ${error.message}`);
    }
  }
  return { said, changes };
}

const TABLE = "CREATE TABLE pets (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(5) NOT NULL, legs INT DEFAULT 4); INSERT INTO pets (name, legs) VALUES ('Rex', 4), ('Tweet', 2); INSERT INTO pets (name) VALUES ('O''Cat')";

describe('SQL', () => {
  it.each<[string, string, readonly string[]]>([
    ['where, order, limit', 'SELECT id, name FROM pets WHERE legs > 1 AND name LIKE \'%e%\' ORDER BY name DESC LIMIT 1', ['id,name: 2,Tweet']],
    ['everything', 'SELECT * FROM pets', ["id,name,legs: 1,Rex,4 2,Tweet,2 3,O'Cat,4"]],
    ['groups', 'SELECT legs, count(*) AS n, max(name) FROM pets GROUP BY legs ORDER BY n DESC', ['legs,n,max(name): 4,2,Rex 2,1,Tweet']],
    ['update and delete', "UPDATE pets SET legs = legs - 1 WHERE id IN (1, 3); DELETE FROM pets WHERE legs = 2; SELECT sum(legs) FROM pets", ['UPDATE 2', 'DELETE 1', 'sum(legs): 6']],
    ['no table', 'SELECT 1 + 1, upper(\'a\'), @@hostname, NULL IS NULL', ["1 + 1,upper('a'),@@hostname,NULL IS NULL: 2,A,db-0,true"]],
    ['show and describe', 'SHOW TABLES; DESCRIBE pets', ['Tables_in_shop: pets', 'Field,Type,Null,Key,Default,Extra: id,int,NO,PRI,null,auto_increment name,varchar(5),NO,,null, legs,int,YES,,4,']],
    ['databases', 'CREATE DATABASE other; USE other; SHOW TABLES; DROP DATABASE other; SELECT * FROM shop.pets', ['CREATE DATABASE', 'USE', 'Tables_in_other: ', 'DROP DATABASE', "! Unknown database 'other'"]],
    ['errors', "INSERT INTO pets (id, name) VALUES (1, 'x'); INSERT INTO pets (name) VALUES (NULL); INSERT INTO pets (name) VALUES ('toolong'); SELECT nope FROM pets; SELEC 1", [
      "! Duplicate entry '1' for key 'pets.PRIMARY'", "! Column 'name' cannot be null", "! Data too long for column 'name' at row 1", "! Unknown column 'nope' in 'field list'",
      "! You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near 'SELEC 1' at line 1",
    ]],
    ['what is taken without effect', 'GRANT ALL ON *.* TO x; BEGIN; COMMIT', ['GRANT', 'BEGIN', 'COMMIT']],
  ])('mysql: %s', (_, script, expected) => expect(session('mysql', `${TABLE}; ${script}`).said.slice(3)).toEqual(expected));

  it('postgres has its own words', () => {
    const script = "CREATE TABLE t (id SERIAL PRIMARY KEY, a TEXT); INSERT INTO t (a) VALUES ('x') RETURNING id, a; SELECT count(*) FROM t; INSERT INTO t VALUES (1, 'y'); SELECT * FROM u; SELECT 7 / 2";
    expect(session('postgres', script).said).toEqual([
      'CREATE TABLE', 'id,a: 1,x', 'count: 1', '! duplicate key value violates unique constraint "t_pkey"\nDETAIL:  Key (id)=(1) already exists.', '! relation "u" does not exist', '?column?: 3',
    ]);
  });

  it('only changes are written', () => expect(session('mysql', `${TABLE}; SELECT * FROM pets; DELETE FROM pets WHERE id = 9`).changes).toBe(3));
});
