// The exchange as a JavaScript action does it: GitHub's toolkit, and the `fetch` that Node brings.
import * as core from '@actions/core';

async function exchange() {
  const answer = await fetch(`${core.getInput('auth_base_url', { required: true })}/auth/access_token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({
      clientId: core.getInput('client_id', { required: true }),
      clientSecret: core.getInput('client_secret', { required: true }),
    }),
  });
  if (!answer.ok) throw new Error(`Port answered ${answer.status}`);
  const { accessToken } = await answer.json();
  core.setSecret(accessToken);
  core.setOutput('access_token', accessToken);
}

exchange().catch(core.setFailed);
