/** The Web API's door: arguments, token, scope, quota, faults; then the method. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Json } from '../block-kit/schema.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { HttpError, readArguments, sendJson } from './http.ts';
import { type Method, RateLimited, requireScope } from './method.ts';
import { APP_METHODS } from './methods-app.ts';
import { CHAT_METHODS } from './methods-chat.ts';
import { CONVERSATION_METHODS } from './methods-conversations.ts';
import { FILE_METHODS } from './methods-files.ts';
import { USER_METHODS } from './methods-users.ts';
import { VIEW_METHODS } from './methods-views.ts';

export const METHODS: ReadonlyMap<string, Method> = new Map(
  [APP_METHODS, CHAT_METHODS, CONVERSATION_METHODS, USER_METHODS, VIEW_METHODS, FILE_METHODS].flatMap(
    (group) => Object.entries(group),
  ),
);

export async function handleWebApi(
  context: Context,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const fault = context.faults.take(name);
  if (fault?.kind === 'drop') {
    request.socket.destroy();
    return;
  }
  if (fault !== undefined && /^\d{3}$/.test(fault.kind)) {
    request.resume();
    if (fault.kind === '429') rateLimited(response, fault.seconds ?? 1);
    else sendJson(response, { ok: false, error: 'internal_error' }, Number(fault.kind));
    return;
  }
  if (fault !== undefined && STRANGERS.has(fault.kind)) {
    request.resume();
    strangersAnswer(response, fault.kind);
    return;
  }
  const headers: Record<string, string> = {};
  let body: Json;
  try {
    if (fault !== undefined && !INSIDE.has(fault.kind)) throw new SlackError(fault.kind);
    const args = await readArguments(request, query);
    const method = METHODS.get(name);
    if (method === undefined) throw new SlackError('unknown_method', { req_method: name });
    authorize(context, method, tokenOf(request, args), headers);
    const wait = context.rateLimits.perMinute(name, method.perMinute);
    if (wait > 0) {
      rateLimited(response, wait);
      return;
    }
    body = { ok: true, ...(await method.run({ context, args, fault })) };
  } catch (error) {
    if (error instanceof RateLimited) {
      rateLimited(response, error.seconds);
      return;
    }
    body = refusal(error);
  }
  if (fault?.kind === 'lost_answer') request.socket.destroy();
  else if (fault?.kind === 'lost_page') strangersAnswer(response, 'page');
  else sendJson(response, body, 200, headers);
}

/** Faults that do not answer in the method's place: after `lost_answer` and `lost_page` the method has run. */
const INSIDE: ReadonlySet<string> = new Set(['late_share', 'lost_answer', 'lost_page']);

/** What stands between a client and Slack, and answers for it. */
const STRANGERS: ReadonlySet<string> = new Set(['page', 'empty', '429_bare']);

function strangersAnswer(response: ServerResponse, kind: string): void {
  const page = '<!DOCTYPE html><title>Sign in</title><p>This network needs a login. ticket=4711</p>\n';
  response.writeHead(kind === '429_bare' ? 429 : 200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(kind === 'page' ? page : '');
}

function refusal(error: unknown): Json {
  if (error instanceof SlackError) return { ok: false, error: error.code, ...error.extra };
  if (error instanceof HttpError) return { ok: false, error: error.code, detail: error.message };
  throw error;
}

function rateLimited(response: ServerResponse, seconds: number): void {
  sendJson(response, { ok: false, error: 'ratelimited' }, 429, { 'retry-after': String(Math.ceil(seconds)) });
}

function tokenOf(request: IncomingMessage, args: Json): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? (typeof args.token === 'string' ? args.token : undefined);
}

function authorize(
  context: Context,
  method: Method,
  token: string | undefined,
  headers: Record<string, string>,
): void {
  const needed = method.token ?? 'bot';
  if (needed === 'none') return;
  if (token === undefined || token === '') throw new SlackError('not_authed');
  const { botToken, appToken } = context.secrets;
  if (token !== botToken && token !== appToken) throw new SlackError('invalid_auth');
  const kind = token === botToken ? 'bot' : 'app';
  const granted = kind === 'bot' ? context.manifest.botScopes : APP_TOKEN_SCOPES;
  headers['x-oauth-scopes'] = [...granted].join(',');
  if (method.scopes !== undefined) headers['x-accepted-oauth-scopes'] = method.scopes.join(',');
  if (needed !== 'any' && needed !== kind) throw new SlackError('not_allowed_token_type');
  if (method.scopes !== undefined) requireScope(context, method.scopes, granted);
}

const APP_TOKEN_SCOPES: ReadonlySet<string> = new Set(['connections:write']);
