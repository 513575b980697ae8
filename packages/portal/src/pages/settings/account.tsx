import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { call } from '../../api/client.ts';
import { sessionQuery, useSession } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { Card, Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';
import { SecondFactor } from './second-factor.tsx';
import { SettingsPage } from './settings-page.tsx';

/** One's own name, password and second factor. */
export function Account() {
  const { settings } = useWords();
  const { account } = settings;
  const { user } = useSession();
  return (
    <SettingsPage tab="account" answer={`${user.email} · ${settings.roles[user.role]}`}>
      <div className="grid grid-cols-1 gap-x-8 lg:grid-cols-2">
        <Section title={account.name}>
          <Card className="p-4">
            <SavedForm
              path="/portal/api/account"
              method="PATCH"
              action={account.saveName}
              done={account.saved}
              read={(form) => ({ name: String(form.get('name')).trim() })}
            >
              <TextField
                label={account.name}
                name="name"
                autoComplete="name"
                required
                maxLength={100}
                defaultValue={user.name}
              />
            </SavedForm>
          </Card>
        </Section>
        {user.has_password && (
          <Section title={account.password}>
            <Card className="p-4">
              <SavedForm
                path="/portal/api/account/password"
                method="POST"
                action={account.changePassword}
                done={account.passwordChanged}
                read={(form) => ({
                  current_password: String(form.get('current_password')),
                  password: String(form.get('password')),
                })}
              >
                <TextField
                  label={account.currentPassword}
                  name="current_password"
                  type="password"
                  autoComplete="current-password"
                  required
                />
                <TextField
                  label={account.newPassword}
                  name="password"
                  type="password"
                  autoComplete="new-password"
                  required
                  minLength={12}
                />
              </SavedForm>
            </Card>
          </Section>
        )}
      </div>
      {/* Who comes by OpenID Connect has both of them there. */}
      {user.has_password && <SecondFactor />}
    </SettingsPage>
  );
}

/** A form that stays where it is, and says that it was saved. */
function SavedForm({
  path,
  method,
  action,
  done,
  read,
  children,
}: {
  path: string;
  method: 'PATCH' | 'POST';
  action: string;
  done: string;
  read: (form: FormData) => object;
  children: ReactNode;
}) {
  const client = useQueryClient();
  const [version, setVersion] = useState(0);
  const save = useMutation({
    mutationFn: (body: object) => call(path, { method, body }),
    onSuccess() {
      // The fields are empty again, or have what was saved.
      setVersion(version + 1);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  return (
    <Form key={version} error={save.error} submit={(form) => save.mutate(read(form))}>
      {children}
      <div className="flex items-center gap-3">
        <Button type="submit" isBusy={save.isPending}>
          {action}
        </Button>
        <span role="status" className="text-good">
          {save.isSuccess ? done : ''}
        </span>
      </div>
    </Form>
  );
}
