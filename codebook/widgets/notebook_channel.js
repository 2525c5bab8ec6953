// The form in a notebook: messages go to the kernel and views come back; a view that answers another tab is taken over.

function render({model, el}) {
  let own = '';
  const channel = {
    send(message) {
      own = message.client;
      model.send(message);
    },
    onView(show) {
      channel.show = content => content.view && show({...content.view, ack: content.client === own ? content.view.ack : 0});
    },
    onState(tell) {
      channel.tell = tell;
    },
  };
  const listen = content => content.view ? channel.show(content) : channel.tell(content);
  model.on('msg:custom', listen);
  const mounted = mountForm(el, channel, {late: 'Is a cell still running? If the kernel was restarted, run this cell again: the form opens where the last saved answer left it.'});
  const watch = new MutationObserver(() => {
    if (el.classList.contains('jupyter-widgets-disconnected')) {
      channel.tell({gone: true, text: 'The kernel has ended or was restarted. Now run this cell again: the form opens where the last saved answer left it.'});
    }
  });
  watch.observe(el, {attributes: true, attributeFilter: ['class']});
  return () => {
    model.off('msg:custom', listen);
    watch.disconnect();
    mounted.close();
  };
}

export default {render};
