"""The client for asyncio; `kastor.client.synchronous` is made from it by `python3 dev client`."""
