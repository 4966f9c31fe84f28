import { describe, expect, it } from 'vitest';
import { databaseSecrets, readDatabase } from '../../src/config/database.ts';
import type { ConfigProblem } from '../../src/config/problems.ts';

function read(env: Record<string, string>) {
  const problems: ConfigProblem[] = [];
  return { database: readDatabase(env, problems), problems: problems.map(({ message }) => message) };
}

describe('[O1] DATABASE_URL', () => {
  it('is left out for a state in the data folder', () => {
    expect(read({ DATABASE_URL: ' ' })).toEqual({ database: undefined, problems: [] });
  });

  it.each([
    'postgres://signalbox:secret@db.example.com:5432/signalbox',
    'postgresql://signalbox@db.example.com/signalbox?sslmode=require',
    'postgres:///signalbox?host=/var/run/postgresql',
    'postgres://signalbox:a%40b%2F%23@[::1]:5432/signalbox',
  ])('is a URL of PostgreSQL: %s', (url) => {
    expect(read({ DATABASE_URL: url })).toEqual({ database: { url, poolSize: 10 }, problems: [] });
  });

  it.each([
    ['db.example.com', 'got 14 characters that are no URL'],
    ['postgres://a:geheim@ss/w#rd@host:1/db', 'in the wrong place (in a password, @ is written %40'],
    ['postgres://a:geheim@ss/word@host:1/db', 'in the wrong place'],
    ['postgres://a:geheim/x@host:1/db', 'characters that are no URL (in a password, @'],
    ['mysql://a:geheim@host/db', 'it begins with mysql://'],
    ['postgres://a:geheim@host', 'it names no database behind the host'],
    ['postgres://a:geheim@host/', 'it names no database behind the host'],
  ])('says what is wrong with %s, without the password', (url, why) => {
    const { problems } = read({ DATABASE_URL: url });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      'DATABASE_URL (environment): expected the URL of a PostgreSQL database, but',
    );
    expect(problems[0]).toContain(why);
    expect(problems[0]).not.toContain('geheim');
    expect(problems[0]).toContain('Example: DATABASE_URL=postgres://');
  });

  it('has a pool of 1 to 200 connections', () => {
    const url = 'postgres://a@host/db';
    expect(read({ DATABASE_URL: url, DATABASE_POOL_SIZE: '25' }).database?.poolSize).toBe(25);
    for (const wrong of ['0', '201', 'many', '-1', '1.5'])
      expect(read({ DATABASE_URL: url, DATABASE_POOL_SIZE: wrong }).problems).toEqual([
        `DATABASE_POOL_SIZE (environment): expected a number from 1 to 200, but got "${wrong}". Example: DATABASE_POOL_SIZE=10`,
      ]);
  });

  it('is masked in logs, and the password in it as it is written there and as it is', () => {
    const url = 'postgres://signalbox:a%40b%2Fsecret@db.example.com/signalbox';
    expect(databaseSecrets({ url })).toEqual([url, 'a%40b%2Fsecret', 'a@b/secret']);
    expect(databaseSecrets({ url: 'postgres://host/db' })).toEqual(['postgres://host/db']);
  });
});
