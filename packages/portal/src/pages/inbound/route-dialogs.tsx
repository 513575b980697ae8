import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { InboundRoute } from '../../api/objects.ts';
import { inboundRouteQuery, inboundRoutesQuery } from '../../api/queries.ts';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Question } from '../../design/question.tsx';
import { useWords } from '../../words/words.tsx';

/** Of routes that match, the usual place (core/mail/inbound-route.ts). */
const USUAL_PRIORITY = 100;
const MAX_PRIORITY = 1_000;

export const routePath = (id: string): string => `/v1/inbound/routes/${encodeURIComponent(id)}`;

function useRefreshRoutes(): (route: InboundRoute) => void {
  const client = useQueryClient();
  return (route) => {
    client.setQueryData(inboundRouteQuery(route.id).queryKey, route);
    void client.invalidateQueries({ queryKey: inboundRoutesQuery().queryKey });
  };
}

export function AddRoute({ close }: { close: () => void }) {
  const { routes } = useWords();
  const navigate = useNavigate();
  const refresh = useRefreshRoutes();
  const add = useMutation({
    mutationFn: (body: object) =>
      call<InboundRoute>('/v1/inbound/routes', { method: 'POST', body }),
    onSuccess(route) {
      refresh(route);
      // Its page says what is still missing.
      void navigate({ to: '/inbound/routes/$id', params: { id: route.id } });
    },
  });
  return (
    <FormDialog
      title={routes.add}
      close={close}
      isBusy={add.isPending}
      error={add.error}
      submit={(form) => add.mutate(readFields(form))}
    >
      <RouteFields />
    </FormDialog>
  );
}

export function ChangeRoute({ route, close }: { route: InboundRoute; close: () => void }) {
  const { routes, common } = useWords();
  const refresh = useRefreshRoutes();
  const change = useMutation({
    mutationFn: (body: object) =>
      call<InboundRoute>(routePath(route.id), { method: 'PATCH', body, version: route.version }),
    onSuccess(changed) {
      refresh(changed);
      close();
    },
  });
  return (
    <FormDialog
      title={routes.change}
      action={common.save}
      close={close}
      isBusy={change.isPending}
      error={change.error}
      submit={(form) => change.mutate(readFields(form))}
    >
      <RouteFields route={route} />
    </FormDialog>
  );
}

export function RemoveRoute({ route, close }: { route: InboundRoute; close: () => void }) {
  const { routes } = useWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => call(routePath(route.id), { method: 'DELETE', version: route.version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: inboundRoutesQuery().queryKey });
      void navigate({ to: '/inbound/routes' });
    },
  });
  return (
    <Question
      title={routes.removeTitle(route.address)}
      effect={routes.removeEffect}
      action={routes.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}

function RouteFields({ route }: { route?: InboundRoute }) {
  const { routes, messages } = useWords();
  return (
    <>
      <TextField
        label={routes.address}
        name="address"
        required
        spellCheck={false}
        autoComplete="off"
        defaultValue={route?.address ?? ''}
        help={routes.addressHelp}
      />
      <fieldset>
        <legend className="mb-1 font-medium">{routes.action}</legend>
        {(['receive', 'refuse'] as const).map((one) => (
          <label key={one} className="flex items-center gap-2 py-0.5">
            <input
              type="radio"
              name="action"
              value={one}
              defaultChecked={(route?.action ?? 'receive') === one}
              className="accent-accent"
            />
            {routes.actions[one]}
          </label>
        ))}
      </fieldset>
      <TextField
        label={routes.priority}
        name="priority"
        type="number"
        min={0}
        max={MAX_PRIORITY}
        required
        defaultValue={route?.priority ?? USUAL_PRIORITY}
        help={routes.priorityHelp}
      />
      <TextField
        label={messages.tags}
        name="tags"
        defaultValue={route?.tags.join(', ') ?? ''}
        help={routes.tagsHelp}
      />
      <TextField
        label={routes.description}
        name="description"
        maxLength={500}
        defaultValue={route?.description ?? ''}
      />
    </>
  );
}

function readFields(form: FormData): object {
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  return {
    address: text('address'),
    action: text('action'),
    priority: Number(text('priority')),
    tags: text('tags')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    description: text('description'),
  };
}
