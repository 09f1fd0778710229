// Publishes one message with node-nats-streaming, by the variables that `stanlocal env` prints alone, and reads it back.
'use strict'
const fs = require('fs')
const stan = require('node-nats-streaming')

const [channel, text] = process.argv.slice(2)
const env = process.env
const servers = env.NATS_URL.split(',')
const client = stan.connect(env.STAN_CLUSTER_ID, 'peer-node', {
  url: servers[0], // without it the library tries its own default, nats://localhost:4222, first
  servers,
  user: env.NATS_USER,
  pass: fs.readFileSync(env.NATS_PASSWORD_FILE, 'utf8').trim(),
  tls: {
    ca: [fs.readFileSync(env.NATS_CA)],
    cert: fs.readFileSync(env.NATS_CERT),
    key: fs.readFileSync(env.NATS_KEY)
  }
})

function fail (error) {
  console.error(String(error))
  process.exit(1)
}

client.on('error', fail)
client.on('connect', () => {
  client.publish(channel, text, (error) => {
    if (error) fail(error)
    const subscription = client.subscribe(channel, client.subscriptionOptions().setStartWithLastReceived())
    subscription.on('message', (message) => {
      console.log(message.getData())
      client.on('close', () => process.exit(0))
      client.close()
    })
  })
})
