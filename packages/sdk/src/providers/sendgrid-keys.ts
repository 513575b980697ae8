// A table: the keys of SendGrid's own events.

/** What SendGrid itself puts into an event. Every other key is a unique argument of the sender's. */
export const OWN_KEYS: ReadonlySet<string> = new Set(
  'email timestamp event category sg_event_id sg_message_id smtp-id response attempt useragent ip url reason status type tls cert_err asm_group_id url_offset newsletter pool send_at bounce_classification sg_machine_open sg_content_type sg_user_id sg_template_id sg_template_name template_id template_hash template_name template_version domain from subject outbound_ip outbound_ip_type marketing_campaign_id marketing_campaign_name marketing_campaign_version marketing_campaign_split_id singlesend_id singlesend_name mc_stats mc_pod_id mc_auto_id mc_auto_name mc_auto_step_id phase_id post_type unique_args custom_args nlvx_campaign_id nlvx_campaign_split_id nlvx_user_id'.split(
    ' ',
  ),
);
