/** How a receiver checks the signature, to paste: Standard Webhooks libraries, one for each language. */
export const VERIFY_SNIPPETS: readonly (readonly [language: string, code: string])[] = [
  [
    'Node.js',
    `// npm install express standardwebhooks
import express from 'express';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.POSTHORN_WEBHOOK_SECRET);
const app = express();
// The raw bytes: a parsed and printed body has another signature.
app.post('/webhooks', express.raw({ type: 'application/json' }), (req, res) => {
  let event;
  try {
    event = webhook.verify(req.body.toString(), req.headers);
  } catch {
    return res.status(401).end();
  }
  console.log(event.type, event.data.recipient);
  res.status(204).end();
});
app.listen(3000);`,
  ],
  [
    'Python',
    `# pip install flask standardwebhooks
import os
from flask import Flask, request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["POSTHORN_WEBHOOK_SECRET"])
app = Flask(__name__)

@app.post("/webhooks")
def receive():
    try:
        event = webhook.verify(request.get_data(as_text=True), dict(request.headers))
    except WebhookVerificationError:
        return "", 401
    print(event["type"], event["data"].get("recipient"))
    return "", 204`,
  ],
  [
    'PHP',
    `<?php // composer require standard-webhooks/standard-webhooks
require 'vendor/autoload.php';

$webhook = new \\StandardWebhooks\\Webhook(getenv('POSTHORN_WEBHOOK_SECRET'));
try {
    $event = $webhook->verify(file_get_contents('php://input'), getallheaders());
} catch (\\StandardWebhooks\\Exception\\WebhookVerificationException $e) {
    http_response_code(401);
    exit;
}
error_log($event['type']);
http_response_code(204);`,
  ],
  [
    'Go',
    `// go get github.com/standard-webhooks/standard-webhooks/libraries
wh, err := standardwebhooks.NewWebhook(os.Getenv("POSTHORN_WEBHOOK_SECRET"))
if err != nil {
	log.Fatal(err)
}
http.HandleFunc("/webhooks", func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if err := wh.Verify(body, r.Header); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
})`,
  ],
  [
    'Ruby',
    `# gem install sinatra standardwebhooks
require 'sinatra'
require 'standardwebhooks'

webhook = StandardWebhooks::Webhook.new(ENV.fetch('POSTHORN_WEBHOOK_SECRET'))

post '/webhooks' do
  headers = request.env.select { |name, _| name.start_with?('HTTP_') }
    .to_h { |name, value| [name.delete_prefix('HTTP_').downcase.tr('_', '-'), value] }
  begin
    event = webhook.verify(request.body.read, headers)
  rescue StandardWebhooks::WebhookVerificationError
    halt 401
  end
  puts event[:type]
  status 204
end`,
  ],
];
