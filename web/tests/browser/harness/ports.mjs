// Free ports, asked of the system.

import dgram from "node:dgram";
import net from "node:net";

export function freeTcpPort() {
  return new Promise((done, failed) => {
    const server = net.createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

export function freeUdpPort() {
  return new Promise((done, failed) => {
    const socket = dgram.createSocket("udp4").once("error", failed);
    socket.bind(0, () => {
      const { port } = socket.address();
      socket.close(() => done(port));
    });
  });
}
