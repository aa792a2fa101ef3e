// oidc-provider with its own pages for signing in and consenting, for a native application (RFC 8252): any port of loopback.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.OIDC_HOME}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const home = `http://127.0.0.1:${process.env.PORT}`;
const provider = new Provider(home, {
  clients: [{
    client_id: 'app', application_type: 'native', token_endpoint_auth_method: 'none', response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['http://127.0.0.1/callback'],
  }],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true }, userinfo: { enabled: true } },
  claims: { openid: ['sub'], profile: ['name'] },
  cookies: { keys: ['one'] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});
provider.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
