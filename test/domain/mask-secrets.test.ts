import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../src/domain/mask-secrets.ts';

// Put together here, so that no scanner takes this file for a leak.
const run = (length: number, alphabet = 'aB3dE5gH7jK9mN1pQ') =>
  Array.from({ length }, (_, index) => alphabet[(index * 7) % alphabet.length]).join('');

const SECRETS: Record<string, [text: string, secret: string]> = {
  'AWS access key': [`using AKIA${run(16, 'ABC234XYZ')} now`, `AKIA${run(16, 'ABC234XYZ')}`],
  'AWS temporary key': [`ASIA${run(16, 'ABC234XYZ')}`, `ASIA${run(16, 'ABC234XYZ')}`],
  'AWS secret key': [`aws_secret_access_key = ${run(40)}`, run(40)],
  'AWS secret key in JSON': [`{"SecretAccessKey": "${run(38)}/+", "x": 1}`, run(38)],
  'AWS session token': [`token FwoGZXIvYXdz${run(200)}==`, run(200)],
  'presigned link': [`https://b.s3.amazonaws.com/k?X-Amz-Signature=${run(64)}&X-Amz-Date=1`, run(64)],
  'Slack bot token': [`xoxb-12345678901-${run(24)}`, run(24)],
  'Slack rotated token': [`xoxe.xoxp-1-${run(40)}`, run(40)],
  'Slack app token': [`xapp-1-A012-345-${run(40)}`, run(40)],
  'Slack webhook': [`https://hooks.slack.com/services/T0/B0/${run(24)}`, run(24)],
  'GitHub token': [`ghp_${run(36)}`, run(36)],
  'GitHub fine-grained token': [`github_pat_${run(22)}_${run(59)}`, run(59)],
  'Hugging Face token': [`login(token="hf_${run(34)}")`, run(34)],
  'RunPod key': [`rpa_${run(44)}`, run(44)],
  'Weights & Biases key': [`WANDB_API_KEY=${run(40, '0a1b2c3d4e5f')}`, run(40, '0a1b2c3d4e5f')],
  JWT: [`got eyJ${run(30)}.eyJ${run(60)}.${run(43)}!`, run(60)],
  'bearer header': [`Authorization: Bearer ${run(32)}`, run(32)],
  'private key': [
    `-----BEGIN RSA PRIVATE KEY-----\n${run(64)}\n${run(64)}\n-----END RSA PRIVATE KEY-----`,
    run(64),
  ],
  'private key cut off': [`log\n-----BEGIN OPENSSH PRIVATE KEY-----\n${run(64)}\n${run(20)}`, run(20)],
  'private key that began before the excerpt': [
    `${run(64)}\n${run(30)}==\n-----END EC PRIVATE KEY-----\nEpoch 3`,
    run(30),
  ],
  'private key in JSON': [
    `"-----BEGIN PRIVATE KEY-----\\n${run(64)}\\n-----END PRIVATE KEY-----\\n"`,
    run(64),
  ],
  'URL with password': ['postgresql://trainer:s3cr3t@db:5432/x', 's3cr3t'],
  'URL with token': [`git clone https://${run(30)}@github.com/x/y`, run(30)],
  password: ['connecting with password=hunter2, retry', 'hunter2'],
  'quoted password': [`"db_password": "correct horse, battery"`, 'horse'],
  'password flag': ['run --password hunter2 --epochs 3', 'hunter2'],
  'client secret': ['client_secret: abcdef-ghi', 'abcdef-ghi'],
};

describe('[O6] masking secrets', () => {
  it.each(Object.entries(SECRETS))('masks: %s', (_, [text, secret]) => {
    const masked = maskSecrets(text);
    expect(masked).toContain('[masked]');
    expect(masked).not.toContain(secret);
    expect(maskSecrets(masked)).toBe(masked);
  });

  it('keeps what stands around', () => {
    expect(maskSecrets(SECRETS.password![0])).toBe('connecting with password=[masked], retry');
    expect(maskSecrets(SECRETS['password flag']![0])).toBe('run --password [masked] --epochs 3');
    expect(maskSecrets(SECRETS['URL with password']![0])).toBe('postgresql://trainer:[masked]@db:5432/x');
    expect(maskSecrets(SECRETS['quoted password']![0])).toBe('"db_password": [masked]');
    expect(maskSecrets(SECRETS['presigned link']![0])).toBe(
      'https://b.s3.amazonaws.com/k?X-Amz-Signature=[masked]&X-Amz-Date=1',
    );
  });

  it('masks no more than the key where a marker stands alone', () => {
    expect(maskSecrets('ValueError: no "-----BEGIN PRIVATE KEY-----" in key.pem\nEpoch 3 loss 0.1')).toBe(
      'ValueError: no "[masked]" in key.pem\nEpoch 3 loss 0.1',
    );
    expect(maskSecrets('Epoch 3 loss 0.1\n-----END PRIVATE KEY-----\nEpoch 4')).toBe(
      'Epoch 3 loss 0.1\n[masked]\nEpoch 4',
    );
    const key = `-----BEGIN PRIVATE KEY-----\n${run(64)}\n-----END PRIVATE KEY-----`;
    expect(maskSecrets(`-----BEGIN PRIVATE KEY-----\nEpoch 3: loss 0.1\n${key}`)).toBe(
      '[masked]\nEpoch 3: loss 0.1\n[masked]',
    );
  });

  it.each([
    'epoch 3/10 loss=0.1234 val_loss: 1.2e-05 lr=3e-4',
    'commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'model.safetensors sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'max_tokens=1024 num_tokens: 512000 tokens/s: 1500.5 token_type_ids=0',
    "pad_token='<pad>' eos_token=</s> bos_token: [CLS] unk_token=<unk>",
    'tokenizer=bert-base-uncased keys: 12 password_length 8',
    'PWD=/opt/ml/code/train',
    'secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-x1',
    's3://line-3-models/train/output/model.tar.gz https://example.com:8080/a?b=c#d',
    'task-abcdefghijklmnopqrstuvwxyz risk-adjusted-return-of-the-portfolio',
    'arn:aws:iam::123456789012:role/SignalboxAccess at 2026-01-31T14:02:33.123Z',
    'basic understanding of internationalization',
  ])('leaves alone: %s', (text) => {
    expect(maskSecrets(text)).toBe(text);
  });
});
