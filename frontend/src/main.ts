import { mount } from 'svelte'
import './app.css'
import { connect } from './bridge'
import App from './ui/App.svelte'
import { boot } from './ui/boot'

const target = document.getElementById('app')
if (!target) throw new Error('the page has no #app to mount in')

void boot(connect(), (app, session) => mount(App, { target, props: { app, session } }))
