import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { itemAt, itemsTo, openScripted, type Said, troubleOf } from '../fixtures/scripted-http.ts';
import { findSinkKind } from '../sink-kinds.ts';

// Answers are those of the API references: none of these services can run here.

const KEYS = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' };
const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/events';
const SQS = { ...KEYS, queue_url: QUEUE, region: 'eu-west-1' };
const SNS = { ...KEYS, topic_arn: 'arn:aws:sns:eu-west-1:123456789012:events' };
const KINESIS = { ...KEYS, stream_name: 'events', region: 'eu-west-1' };
const EVENTBRIDGE = { ...KEYS, region: 'eu-west-1' };

type Entry = Record<string, string>;
const failed = (Id: string, Code: string, SenderFault: boolean) => ({ Id, Code, SenderFault });

describe('Amazon SQS', () => {
  test('messages go ten at a time, signed, with the id and the type of the event', async () => {
    const { asked, bodies, send } = await openScripted('sqs', SQS, () => ({}));
    assert.deepEqual(await send(itemsTo(12)), []);
    const [{ url, method, headers } = assert.fail()] = asked;
    assert.deepEqual([method, url], ['POST', 'https://sqs.eu-west-1.amazonaws.com/']);
    assert.equal(headers['x-amz-target'], 'AmazonSQS.SendMessageBatch');
    assert.equal(headers['content-type'], 'application/x-amz-json-1.0');
    assert.match(
      headers['authorization'] ?? '',
      /Credential=AKIDEXAMPLE\/20261122\/eu-west-1\/sqs\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target,/,
    );
    const [first, second] = bodies();
    assert.equal(first.QueueUrl, QUEUE);
    assert.deepEqual([first.Entries.length, second.Entries.length], [10, 2]);
    assert.deepEqual(first.Entries[1], {
      Id: '1',
      MessageBody: '{"n":2}',
      MessageAttributes: {
        event_id: { DataType: 'String', StringValue: 'evt_2' },
        event_type: { DataType: 'String', StringValue: 'email.bounced' },
      },
    });
  });

  test('what is refused is put aside; what is throttled is sent again by itself', async () => {
    const { bodies, send } = await openScripted('sqs', SQS, (_, count) => ({
      json: {
        Successful: [],
        Failed:
          count === 1
            ? [failed('1', 'InvalidMessageContents', true), failed('2', 'RequestThrottled', true)]
            : [],
      },
    }));
    assert.deepEqual(await send(itemsTo(4)), [{ index: 1, detail: 'InvalidMessageContents' }]);
    const sent = bodies().map(({ Entries }) => Entries.map((entry: Entry) => entry['MessageBody']));
    assert.deepEqual(sent[1], ['{"n":3}']);
    assert.equal(sent.length, 2);
  });

  test('what stays throttled holds the lane there; what was before it is done', async () => {
    const { asked, send } = await openScripted('sqs', SQS, (_, count) => ({
      json: {
        Failed: [
          ...(count === 1 ? [failed('0', 'InvalidMessageContents', true)] : []),
          failed(count === 1 ? '2' : '0', 'ThrottlingException', true),
        ],
      },
    }));
    const trouble = await troubleOf(send(itemsTo(4)));
    assert.deepEqual([trouble.code, trouble.taken], ['rate_limited', 2]);
    assert.deepEqual(trouble.refusals, [{ index: 0, detail: 'InvalidMessageContents' }]);
    assert.equal(asked.length, 4);
  });

  test('when the second request fails, the first ten are done', async () => {
    const { send } = await openScripted('sqs', SQS, (_, count) =>
      count === 1 ? {} : { status: 503 },
    );
    const trouble = await troubleOf(send(itemsTo(12)));
    assert.deepEqual([trouble.code, trouble.taken], ['unavailable', 10]);
  });

  test('a request stays within 256 KiB; what is larger alone goes alone', async () => {
    const { bodies, send } = await openScripted('sqs', SQS, () => ({}));
    const sizes = [100_000, 100_000, 100_000, 300_000, 1];
    await send(sizes.map((size, i) => itemAt(i, 'x'.repeat(size))));
    assert.deepEqual(
      bodies().map(({ Entries }) => Entries.length),
      [2, 1, 1, 1],
    );
  });

  test('in a FIFO queue, what belongs together has a group, and each event comes once', async () => {
    const settings = { ...SQS, queue_url: `${QUEUE}.fifo` };
    const { bodies, send } = await openScripted('sqs', settings, () => ({}));
    await send([itemAt(1, {}, 'msg_a'), itemAt(2, {}, 'msg_b'), itemAt(3, {}, 'msg_a')]);
    const entries: Entry[] = bodies()[0].Entries;
    const groups = entries.map(({ MessageGroupId }) => MessageGroupId ?? '');
    assert.match(groups[0] ?? '', /^[0-9a-f]{32}$/);
    assert.equal(groups[2], groups[0]);
    assert.notEqual(groups[1], groups[0]);
    assert.equal(entries[2]?.['MessageDeduplicationId'], 'evt_3');
  });

  const troubles: [Said, string][] = [
    [{ status: 400, json: { __type: 'com.amazonaws.sqs#QueueDoesNotExist' } }, 'not_found'],
    [{ status: 403, json: { __type: 'AccessDeniedException' } }, 'credentials'],
    [{ status: 400, json: { __type: 'UnrecognizedClientException' } }, 'credentials'],
    [{ status: 400, json: { __type: 'InvalidSignatureException' } }, 'credentials'],
    [{ status: 400, json: { __type: 'com.amazonaws.sqs#RequestThrottled' } }, 'rate_limited'],
    [{ status: 400, json: { __type: 'com.amazonaws.sqs#KmsDisabled' } }, 'unavailable'],
    [{ status: 500, text: '' }, 'unavailable'],
    [{ status: 400, json: { __type: 'com.amazonaws.sqs#BatchRequestTooLong' } }, 'refused'],
  ];
  for (const [said, code] of troubles) {
    test(`${said.status} ${JSON.stringify(said.json)} is ${code}`, async () => {
      const { send } = await openScripted('sqs', SQS, () => said);
      const trouble = await troubleOf(send(itemsTo(2)));
      assert.deepEqual([trouble.code, trouble.taken], [code, 0]);
    });
  }
});

describe('Amazon SNS', () => {
  const xml = (failures: string) =>
    `<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>
      <Failed>${failures}</Failed>
      <Successful><member><Id>0</Id><MessageId>d1</MessageId></member></Successful>
    </PublishBatchResult></PublishBatchResponse>`;

  test('a form is published, ten entries at a time, with attributes to filter by', async () => {
    const { asked, send } = await openScripted('sns', SNS, () => ({ text: xml('') }));
    assert.deepEqual(await send(itemsTo(11)), []);
    assert.equal(asked.length, 2);
    assert.equal(asked[0]?.url, 'https://sns.eu-west-1.amazonaws.com/');
    const form = new URLSearchParams(asked[0]?.body);
    assert.equal(form.get('Action'), 'PublishBatch');
    assert.equal(form.get('TopicArn'), SNS.topic_arn);
    const entry = 'PublishBatchRequestEntries.member.2';
    assert.equal(form.get(`${entry}.Id`), '1');
    assert.equal(form.get(`${entry}.Message`), '{"n":2}');
    assert.equal(form.get(`${entry}.MessageAttributes.entry.2.Name`), 'event_type');
    assert.equal(form.get(`${entry}.MessageAttributes.entry.2.Value.StringValue`), 'email.bounced');
    assert.equal(form.has(`${entry}.MessageGroupId`), false);
  });

  test('what failed is read out of the XML', async () => {
    const member = (id: number, code: string, fault: boolean) =>
      `<member><Id>${id}</Id><Code>${code}</Code><Message>a &lt; b</Message><SenderFault>${fault}</SenderFault></member>`;
    const { asked, send } = await openScripted('sns', SNS, (_, count) => ({
      text: xml(
        count === 1 ? member(0, 'InvalidParameter', true) + member(2, 'InternalError', false) : '',
      ),
    }));
    assert.deepEqual(await send(itemsTo(3)), [{ index: 0, detail: 'InvalidParameter: a < b' }]);
    const again = new URLSearchParams(asked[1]?.body);
    assert.equal(again.get('PublishBatchRequestEntries.member.1.Message'), '{"n":3}');
    assert.equal(again.has('PublishBatchRequestEntries.member.2.Id'), false);
  });

  test('a topic that is gone is not found', async () => {
    const text =
      '<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>';
    const { send } = await openScripted('sns', SNS, () => ({ status: 404, text }));
    const trouble = await troubleOf(send(itemsTo(1)));
    assert.deepEqual(
      [trouble.code, trouble.message],
      ['not_found', 'It answered 404: NotFound: Topic does not exist'],
    );
  });
});

describe('Amazon Kinesis', () => {
  test('records are put, and those of a shard that has too much are put again', async () => {
    const busy = {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate exceeded for shard shardId-000000000001',
    };
    const taken = { SequenceNumber: '1', ShardId: 'shardId-000000000000' };
    const { asked, bodies, send } = await openScripted('kinesis', KINESIS, (_, count) => ({
      json: { FailedRecordCount: 0, Records: count === 1 ? [taken, busy, taken] : [taken] },
    }));
    assert.deepEqual(await send(itemsTo(3)), []);
    assert.equal(asked[0]?.headers['x-amz-target'], 'Kinesis_20131202.PutRecords');
    assert.equal(asked[0]?.url, 'https://kinesis.eu-west-1.amazonaws.com/');
    const sent = bodies().map(({ Records }) =>
      Records.map(({ Data }: Entry) => Buffer.from(Data ?? '', 'base64').toString()),
    );
    assert.deepEqual(sent, [['{"n":1}', '{"n":2}', '{"n":3}'], ['{"n":2}']]);
    assert.match(bodies()[0].Records[0].PartitionKey, /^[0-9a-f]{32}$/);
  });

  test('an answer without a result for each record leaves everything to be sent again', async () => {
    const { send } = await openScripted('kinesis', KINESIS, () => ({ json: { Records: [{}] } }));
    const trouble = await troubleOf(send(itemsTo(2)));
    assert.deepEqual([trouble.code, trouble.taken], ['unavailable', 0]);
  });
});

describe('Amazon EventBridge', () => {
  test('events get on the bus, with their type as the detail type', async () => {
    const results = (count: number) => Array(count).fill({ EventId: 'e' });
    const { asked, bodies, send } = await openScripted('eventbridge', EVENTBRIDGE, ({ body }) => ({
      json: { FailedEntryCount: 0, Entries: results(JSON.parse(body).Entries.length) },
    }));
    await send(itemsTo(12));
    assert.equal(asked[0]?.url, 'https://events.eu-west-1.amazonaws.com/');
    assert.equal(asked[0]?.headers['x-amz-target'], 'AWSEvents.PutEvents');
    assert.deepEqual(bodies()[1].Entries[1], {
      EventBusName: 'default',
      Source: 'posthorn',
      DetailType: 'email.bounced',
      Detail: '{"n":12}',
      Time: 1_795_341_598.512,
    });
  });

  test('an entry that is malformed is put aside, one inside trouble comes again', async () => {
    const { send, bodies } = await openScripted('eventbridge', EVENTBRIDGE, (_, count) => ({
      json: {
        Entries:
          count === 1
            ? [
                { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' },
                { EventId: 'e' },
                { ErrorCode: 'InternalFailure' },
              ]
            : [{ EventId: 'e' }],
      },
    }));
    assert.deepEqual(await send(itemsTo(3)), [
      { index: 0, detail: 'MalformedDetail: Detail is malformed.' },
    ]);
    assert.deepEqual(
      bodies()[1].Entries.map((entry: Entry) => entry['Detail']),
      ['{"n":3}'],
    );
  });
});

test('settings say what is wrong with them', () => {
  const wrong: [kind: string, settings: object, field: string][] = [
    ['sqs', { ...SQS, region: 'Ireland' }, 'region'],
    ['sns', { ...SNS, topic_arn: 'events' }, 'topic_arn'],
    ['kinesis', { ...KINESIS, stream_name: 'a b' }, 'stream_name'],
    ['eventbridge', { ...EVENTBRIDGE, source: 'aws.mine' }, 'source'],
    ['sqs', { ...SQS, access_key_id: '' }, 'access_key_id'],
  ];
  for (const [kind, settings, field] of wrong) {
    const { error } = findSinkKind(kind)?.settings.safeParse(settings) ?? {};
    assert.deepEqual(error?.issues[0]?.path, [field]);
  }
});

test('another endpoint is asked in place of that of Amazon', async () => {
  const endpoint = 'http://localhost:4566';
  const { asked, send } = await openScripted('sns', { ...SNS, endpoint }, () => ({ text: '' }));
  await send(itemsTo(1));
  assert.equal(asked[0]?.url, `${endpoint}/`);
});
