// Elements as template literals. Every value in a template becomes a text node or a property, never markup.
import { h } from "preact";
import htm from "htm";

export { render } from "preact";
export { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
export const html = htm.bind(h);
