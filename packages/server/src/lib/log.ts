import { type DestinationStream, type Logger, pino } from 'pino';

/** The narrow face of pino that the rooms need. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Keys and bodies never reach the log, wherever a careless caller puts them. */
const REDACTED = [
  'authorization',
  'secret',
  'password',
  'apiKey',
  '*.authorization',
  '*.secret',
  '*.password',
  '*.apiKey',
  'req.headers.authorization',
  'req.headers["x-api-key"]',
];

export function createLog(options: {
  level: LogLevel;
  pretty: boolean;
  destination?: DestinationStream;
}): Logger {
  const settings = {
    level: options.level,
    redact: { paths: REDACTED, censor: '[redacted]' },
    base: undefined,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (options.pretty) {
    const target = 'pino-pretty';
    const transport = {
      target,
      options: { colorize: true, translateTime: 'SYS:HH:MM:ss.l', destination: 2 },
    };
    return pino({ ...settings, formatters: {}, transport });
  }
  return pino(settings, options.destination ?? pino.destination({ dest: 2, sync: false }));
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
