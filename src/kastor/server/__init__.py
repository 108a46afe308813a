"""The process: socket, certificate, worker processes, start and end."""
