"""For a stack: gate and worker reach broker and store through proxies, which can cut them off."""

from checker.proxy import Proxy


class Proxied:
    """Before a Stack in a class's bases."""

    def start_services(self):
        urls = super().start_services()
        self.straight = dict(urls)  # past the proxies
        self.proxies = {}
        for what, prefix in (("broker", "AMQP"), ("store", "REDIS")):
            port = urls[f"{prefix}_WORKER_URL"].rsplit(":", 1)[1].split("/")[0]
            self.proxies[what] = proxy = Proxy(int(port))
            for side in ("GATE", "WORKER"):
                url = urls[f"{prefix}_{side}_URL"]
                urls[f"{prefix}_{side}_URL"] = url.replace(f":{port}/", f":{proxy.port}/")
        return urls

    def down(self):
        for proxy in self.proxies.values():
            proxy.close()
        super().down()
