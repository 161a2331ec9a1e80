-- One spelling for each IPv6 address, as events get it when they are recorded now: filters compare
-- texts. What is no address is left as it is, and so is one with a zone.
create function canonical_ip(given text) returns text language plpgsql immutable as $$
begin
  return host(given::inet);
exception when others then
  return given;
end $$;

update events set client_ip = canonical_ip(client_ip)
where client_ip like '%:%' and client_ip <> canonical_ip(client_ip);

drop function canonical_ip(text);
