// A table: what enhanced status codes say (RFC 3463, the IANA registry of RFC 5248, and servers' own).
import { VERDICTS, type Verdict } from './verdict.ts';

export interface EnhancedCodeMeaning {
  verdict: Verdict;
  /** False: servers use the code for so many causes that the text is asked first. */
  definite: boolean;
}

const definite = (verdict: Verdict): EnhancedCodeMeaning => ({ verdict, definite: true });
const hint = (verdict: Verdict): EnhancedCodeMeaning => ({ verdict, definite: false });

const V = VERDICTS;

/** By subject and detail; the class (4 or 5) says only whether trying again makes sense. */
export const ENHANCED_CODES: Readonly<Record<string, EnhancedCodeMeaning>> = {
  '0.0': hint(V.unknown),
  // Subject 1: the address. 1.0 is used for senders, policies and rates as well.
  '1.0': hint(V.unknown),
  '1.1': definite(V.noMailbox),
  '1.2': definite(V.noDomain),
  '1.3': definite(V.badSyntax),
  '1.4': hint(V.noMailbox),
  '1.6': definite(V.moved),
  '1.7': definite(V.sender),
  '1.8': definite(V.sender),
  '1.9': hint(V.protocol),
  // RFC 7505 gives 1.10 to the null MX; Exchange uses it for an unknown recipient. Hard either way.
  '1.10': hint(V.noMailbox),
  // Exchange Online: the remote server said "unknown recipient", quoted in the text.
  '1.351': definite(V.noMailbox),
  // Subject 2: the mailbox. 2.1 is "disabled" in the RFC and "too much mail now" at Gmail.
  '2.0': hint(V.unknown),
  '2.1': hint(V.inactive),
  '2.2': definite(V.full),
  '2.3': definite(V.tooLarge),
  '2.4': hint(V.preferences),
  // Subject 3: the system.
  '3.0': hint(V.system),
  '3.1': definite(V.system),
  '3.2': definite(V.system),
  '3.3': hint(V.protocol),
  '3.4': definite(V.tooLarge),
  '3.5': hint(V.system),
  // Subject 4: network and routing. Exchange Online's 5.4.1 is its "no such user" at the edge.
  '4.0': hint(V.connection),
  '4.1': hint(V.connection),
  '4.2': definite(V.connection),
  '4.3': hint(V.dns),
  '4.4': hint(V.dns),
  '4.5': hint(V.system),
  '4.6': definite(V.loop),
  '4.7': definite(V.timeout),
  // Exchange: accepted domain not found, or the recipient domain resolves to nothing.
  '4.310': definite(V.noDomain),
  '4.312': definite(V.dns),
  '4.316': definite(V.connection),
  // Subject 5: the protocol.
  '5.0': hint(V.protocol),
  '5.1': hint(V.protocol),
  '5.2': hint(V.protocol),
  '5.3': definite(V.rate),
  '5.4': hint(V.protocol),
  // Subject 6: the content.
  '6.0': hint(V.content),
  '6.1': definite(V.content),
  '6.2': definite(V.content),
  '6.3': definite(V.content),
  '6.5': definite(V.content),
  '6.6': definite(V.content),
  // RFC 6531: the server, or the mailbox, cannot take a non-ASCII address.
  '6.7': definite(V.protocol),
  '6.8': definite(V.protocol),
  '6.9': definite(V.protocol),
  '6.11': definite(V.content),
  // Subject 7: security and policy. Never the recipient's fault by the code alone.
  '7.0': hint(V.policy),
  '7.1': hint(V.policy),
  '7.2': definite(V.preferences),
  '7.3': definite(V.policy),
  '7.4': definite(V.policy),
  '7.5': definite(V.policy),
  '7.6': definite(V.policy),
  '7.7': definite(V.policy),
  '7.8': definite(V.senderLogin),
  '7.9': hint(V.policy),
  '7.10': hint(V.policy),
  '7.11': definite(V.senderLogin),
  '7.12': hint(V.policy),
  // RFC 5248: the account is disabled.
  '7.13': definite(V.inactive),
  '7.17': definite(V.moved),
  '7.18': definite(V.moved),
  '7.20': definite(V.authentication),
  '7.21': definite(V.authentication),
  '7.22': definite(V.authentication),
  '7.23': definite(V.authentication),
  '7.24': definite(V.authentication),
  '7.25': definite(V.reverseDns),
  '7.26': definite(V.authentication),
  // RFC 7505 4.2: the sender's domain has a null MX.
  '7.27': hint(V.sender),
  '7.28': definite(V.rate),
  '7.29': definite(V.authentication),
  '7.30': definite(V.policy),
  // Exchange Online's own numbers.
  '7.54': hint(V.relay),
  '7.57': definite(V.senderLogin),
  '7.64': definite(V.relay),
  '7.124': definite(V.preferences),
  '7.129': definite(V.preferences),
  '7.133': definite(V.preferences),
  '7.134': definite(V.preferences),
  '7.135': definite(V.preferences),
  '7.136': definite(V.preferences),
  '7.193': definite(V.preferences),
  '7.232': definite(V.rate),
  '7.233': definite(V.rate),
  '7.501': definite(V.reputation),
  '7.502': definite(V.reputation),
  '7.503': definite(V.reputation),
  '7.508': definite(V.rate),
  '7.509': definite(V.authentication),
  '7.510': definite(V.reputation),
  '7.511': definite(V.reputation),
  '7.512': definite(V.content),
  '7.513': definite(V.reputation),
  '7.515': definite(V.authentication),
  '7.705': definite(V.rate),
  '7.708': definite(V.reputation),
  '7.750': definite(V.sender),
};

/** Subject to fall back on where the detail is none that the table knows. */
export const ENHANCED_SUBJECTS: Readonly<Record<string, Verdict>> = {
  '3': V.system,
  '4': V.connection,
  '5': V.protocol,
  '6': V.content,
  '7': V.policy,
};
