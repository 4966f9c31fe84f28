/** compose.yaml and infra/bot-service.yaml start the image that the Dockerfile describes, and hand nobody a secret. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { only, stages } from '../fixtures/image.ts';
import { template } from '../fixtures/templates.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const last = stages.at(-1)!;

interface Service {
  image: string;
  healthcheck?: object;
  depends_on?: Record<string, { condition: string }>;
  volumes: string[];
  ports?: string[];
  environment: Record<string, string>;
}

const text = readFileSync(join(ROOT, 'compose.yaml'), 'utf8');
const { services, volumes } = parse(text) as {
  services: Record<string, Service>;
  volumes: object;
};

describe('[O1] compose.yaml', () => {
  it('waits for a database that is well', () => {
    expect(services.bot!.depends_on).toEqual({ database: { condition: 'service_healthy' } });
    expect(services.database!.healthcheck).toBeDefined();
  });

  it('gives the bot a root file system that is read-only, no capability and no address of the machine', () => {
    expect(services.bot).toMatchObject({
      image: 'signalbox',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    const ports = Object.values(services).flatMap((one) => one.ports ?? []);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(services.bot!.volumes).toContain(`data:${only(last, 'VOLUME').text}`);
    const named = Object.values(services).flatMap((one) =>
      one.volumes.map((volume) => volume.split(':')[0]!),
    );
    expect(named.filter((name) => !name.startsWith('.')).toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  it('has no secret in it, and says what is missing', () => {
    expect(text).toContain('POSTGRES_PASSWORD:?');
    expect(text).not.toMatch(/xox[bp]-|xapp-|PASSWORD: [A-Za-z0-9]/);
    expect(readFileSync(join(ROOT, '.env.example'), 'utf8')).toMatch(/^#POSTGRES_PASSWORD=/m);
    expect(existsSync(join(ROOT, 'Dockerfile'))).toBe(true);
  });
});

describe('[O1, O3] the container of infra/bot-service.yaml', () => {
  const { Properties } = template('bot-service.yaml').Resources.Task!;
  const [container] = Properties.ContainerDefinitions as [Record<string, unknown>];

  it('is of the user, the folder, the port and the health check of the Dockerfile', () => {
    expect(container).toMatchObject({
      User: only(last, 'USER').text,
      MountPoints: [{ ContainerPath: only(last, 'VOLUME').text }],
      PortMappings: [{ ContainerPort: Number(only(last, 'EXPOSE').text) }],
      HealthCheck: { Command: ['CMD', ...only(last, 'HEALTHCHECK').exec!] },
    });
    expect(only(last, 'ENV').text).toContain(`PORT=${only(last, 'EXPOSE').text} `);
  });

  it('gets no secret but from Secrets Manager', () => {
    const plain = (container.Environment as { Name: string }[]).map(({ Name }) => Name);
    expect(plain).toEqual(['SIGNALBOX_CONFIG']);
  });
});
