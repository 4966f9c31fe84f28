/** docs/install.md names what there is: parameters, outputs, commands, files; and its sums are right. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { template, templateNames } from '../fixtures/templates.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/install.md'), 'utf8');
const code = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text]) => text!);

describe('[O3] docs/install.md', () => {
  it('gives templates the parameters that they have, and all that have no default', () => {
    const deployed = code
      .flatMap((text) => text.replace(/\\\n/g, ' ').split('\n'))
      .filter((line) => line.includes('cloudformation deploy'));
    expect(deployed).toHaveLength(3);
    for (const line of deployed) {
      const file = /--template-file infra\/(\S+)/.exec(line)![1]!;
      const { Parameters } = template(file);
      const given = [...line.matchAll(/\b([A-Z]\w+)=/g)].map(([, name]) => name!);
      expect(
        given.filter((name) => !(name in Parameters)),
        file,
      ).toEqual([]);
      const required = Object.entries(Parameters).filter(([, one]) => one.Default === undefined);
      expect(
        required.map(([name]) => name).filter((name) => !given.includes(name)),
        file,
      ).toEqual([]);
    }
  });

  it('names parameters and outputs in its text that one of the templates has', () => {
    const templates = templateNames.map(template);
    const known = new Set(
      templates.flatMap(({ Parameters, Outputs = {} }) => [
        ...Object.keys(Parameters),
        ...Object.keys(Outputs),
      ]),
    );
    const named = [...page.matchAll(/`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:=[^`]*)?`/g)].map(([, name]) => name!);
    const read = [...page.matchAll(/\$\(output \S+ (\w+)\)/g)].map(([, name]) => name!);
    expect(read.length).toBeGreaterThan(4);
    // Of EC2's instances.
    expect(
      [...named, ...read].filter((name) => !known.has(name) && name !== 'HttpPutResponseHopLimit'),
    ).toEqual([]);
  });

  it('uses commands of the program, and files that are there', () => {
    const program = readFileSync(join(ROOT, 'src/cli/program.ts'), 'utf8');
    const words = [
      ...page.matchAll(/(?:npx signalbox|run --rm bot|"SIGNALBOX_COMMAND","value":")\s*(\w[\w-]*)/g),
    ].map(([, word]) => word!);
    expect(words).toEqual(expect.arrayContaining(['doctor', 'start', 'manifest', 'check-config']));
    for (const word of words) expect(program, word).toMatch(new RegExp(`\\.command\\('${word}\\b`));
    for (const [, file] of page.matchAll(/(?:cp |--template-file )([\w./-]+)/g))
      expect(existsSync(join(ROOT, file!)), file).toBe(true);
  });

  it('says which variable chooses another command as the container reads it', () => {
    const [container] = template('bot-service.yaml').Resources.Task!.Properties.ContainerDefinitions as [
      { Command: string[] },
    ];
    expect(container.Command.join(' ')).toContain('$' + '{SIGNALBOX_COMMAND:-start}');
  });

  it('adds up', () => {
    const table = page
      .split('## What AWS costs')[1]!
      .split('\n')
      .filter((line) => line.startsWith('| '));
    const cells = table.map((line) =>
      line
        .split('|')
        .slice(3, 5)
        .map((cell) => /^\**([\d.]+) \$\**$/.exec(cell.trim())?.[1]),
    );
    const rows = cells.filter((row) => row.every((cell) => cell !== undefined)).map((row) => row.map(Number));
    const total = rows.pop()!;
    expect(rows).toHaveLength(6);
    for (const column of [0, 1])
      expect(rows.reduce((sum, row) => sum + row[column]!, 0)).toBeCloseTo(total[column]!, 2);
    const hours = 730;
    expect(rows[0]![0]).toBeCloseTo(hours * (0.5 * 0.04048 + 0.004445), 2);
    expect(rows.slice(1, 4).map(([one]) => one)).toEqual(
      [hours * 0.016, 20 * 0.115, hours * 0.005].map((one) => Number(one.toFixed(2))),
    );
    expect(page).toContain(`[${Math.round(total[0]!)} dollars](#what-aws-costs)`);
  });
});
