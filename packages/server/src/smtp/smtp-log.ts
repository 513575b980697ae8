/** The log that this folder writes to: pino's order of arguments, fields first. */
export interface SmtpLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
