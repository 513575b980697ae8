export { MAX_REPORT_BYTES, type ParseOptions, parseReport } from './parse-report.ts';
export { parseReportStream } from './parse-report-stream.ts';
export {
  type Classification,
  classifyReply,
  type ReplyStage,
  type ReplyToClassify,
} from './reply/classify-reply.ts';
export { parseSmtpReply, type SmtpReply } from './reply/smtp-reply.ts';
export {
  type AutoReply,
  DELIVERY_ACTIONS,
  type DeliveryAction,
  type Feedback,
  type OriginalMessage,
  REPORT_KINDS,
  type Report,
  type ReportedRecipient,
  type ReportKind,
} from './report.ts';
