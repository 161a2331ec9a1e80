import { HttpCall } from '../call.ts';
import { readGetParams, readPostParams } from '../params.ts';
import type { EdgePlugin } from '../pipeline.ts';
import type { ServerSettings } from '../settings.ts';

/**
 * Reads what is asked: JSON by POST, URL parameters by GET. Takes the place of all parsers that
 * Yoga brings, which also read forms, multipart and `application/graphql`, and so let a page of any
 * site send a mutation without the browser asking first.
 */
export function useJsonRequests(settings: ServerSettings): EdgePlugin {
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      const call = serverContext?.call;
      if (!(call instanceof HttpCall)) return;
      const { method, url = '' } = call.req;
      setRequestParser(() => {
        if (call.params !== undefined) return call.params;
        return method === 'GET' ? readGetParams(url, settings) : readPostParams(call, settings);
      });
    },
  };
}
