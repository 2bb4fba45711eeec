"""ARI, the REST interface of Asterisk: joins calls that are held in a Stasis application.

`wire` turns JSON into values and values into requests; `link` keeps one websocket and the requests beside it; `bridges`
decides what to ask for in the seizing modes. No call is ever placed over ARI: with its websocket gone Asterisk would
still ring the customer and drop the call on answer.
"""
