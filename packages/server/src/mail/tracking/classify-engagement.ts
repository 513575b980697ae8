import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import {
  BURST_LINKS,
  BURST_MS,
  INSTANT_MS,
  MACHINE_RULES,
  type MachineRule,
} from './machine-rules.ts';

/** An open or a click, as it came in. */
export interface EngagementRequest {
  kind: 'open' | 'click';
  /** Null where it was not said. */
  userAgent: string | null;
  ip: string | null;
  atMs: number;
  linkId: string | null;
}

/** What the log knows of this recipient and message. */
export interface EngagementHistory {
  /** When a receiving server took the message; null: none has yet. */
  deliveredAtMs: number | null;
  clicks: readonly { linkId: string | null; atMs: number }[];
}

export interface Verdict {
  /** Null: a person or a machine. */
  machine: boolean | null;
  reason: string | null;
  client: string | null;
}

/** Pure: who asked. What cannot be told from a person is a person. */
export function classifyEngagement(
  request: EngagementRequest,
  history: EngagementHistory,
): Verdict {
  const rule = MACHINE_RULES.find((one) => fits(one, request));
  const client = rule?.client ?? null;
  if (rule?.machine === true) return { machine: true, reason: rule.reason, client };
  const timing = judgeTiming(request, history);
  if (timing !== null) return { machine: true, reason: timing, client };
  if (rule !== undefined) return { machine: rule.machine, reason: rule.reason, client };
  return { machine: false, reason: null, client: null };
}

function fits(rule: MachineRule, { kind, userAgent, ip }: EngagementRequest): boolean {
  if (rule.on !== undefined && rule.on !== kind) return false;
  if (rule.userAgent?.test(userAgent ?? '') === true) return true;
  return ip !== null && (networksOf.get(rule) ?? []).some((block) => contains(block, ip));
}

function judgeTiming(request: EngagementRequest, history: EngagementHistory): string | null {
  const { atMs, kind, linkId } = request;
  if (history.deliveredAtMs === null) return 'before_delivery';
  if (atMs - history.deliveredAtMs < INSTANT_MS) return 'instant';
  if (kind === 'open') return null;
  const recent = history.clicks.filter((click) => atMs - click.atMs < BURST_MS);
  const links = new Set([linkId, ...recent.map((click) => click.linkId)]);
  return links.size >= BURST_LINKS ? 'every_link' : null;
}

const networksOf = new Map(
  MACHINE_RULES.map((rule) => [rule, rule.networks?.map((block) => ipaddr.parseCIDR(block))]),
);

function contains([network, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number], ip: string): boolean {
  if (isIP(ip) === 0) return false;
  const address = ipaddr.process(ip);
  return network.kind() === address.kind() && address.match(network, bits);
}
