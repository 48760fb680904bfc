// A real OIDC provider for the tests: npm's oidc-provider with two people and one client.
// Arguments: port, client id, client secret, redirect URI, back-channel logout URI ("" for none).
import Provider from "oidc-provider";

const [port, clientId, clientSecret, redirectUri, backchannel] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = {
  ana: { name: "Ana", email: "ana@example.org", groups: ["platform", "ops"] },
  ben: { name: "Ben", email: "ben@example.org", groups: [] },
};
const gone = new Set();

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [new URL("/admin/login/", redirectUri).href],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_post",
    ...(backchannel ? { backchannel_logout_uri: backchannel, backchannel_logout_session_required: true } : {}),
  }],
  claims: { openid: ["sub", "sid"], profile: ["preferred_username", "given_name", "groups"], email: ["email"] },
  scopes: ["openid", "profile", "email", "offline_access"],
  features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  cookies: { keys: ["only-for-tests"] },
  // Loopback addresses and http are what tests have.
  fetch: (url, options) => { delete options.dispatcher; return globalThis.fetch(url, options); },
  async findAccount(ctx, sub) {
    if (gone.has(sub) || !people[sub]) return undefined;
    const { name, email, groups } = people[sub];
    return { accountId: sub, claims: async () => ({ sub, preferred_username: sub, given_name: name, email, groups }) };
  },
});
provider.on("server_error", (ctx, error) => console.error(error));
// The tests' own switches.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/test/")) return next();
  const [, , verb, who, ...groups] = ctx.path.split("/");
  if (verb === "gone") gone.add(who);
  if (verb === "groups") people[who].groups = groups.filter(Boolean);
  ctx.body = "ok";
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
