export {
  type Classification,
  classifyReply,
  type ReplyStage,
  type ReplyToClassify,
} from './classify-reply.ts';
export { parseSmtpReply, type SmtpReply } from './smtp-reply.ts';
